import { statSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ChildTools, inChild, isRoot, PRIVATE_MOUNTS, temporaryFolder } from '../host/child.suite.ts'
import { DEFAULT_CAPABILITIES, ownCapabilities } from './capabilities.ts'
import { RUNTIMES } from './fixture.suite.ts'
import { type SeccompProfile, seccompProfile } from './seccomp.ts'

/** What the profile says of a call without conditions on its arguments. */
function ruleFor(profile: SeccompProfile, name: string): string | undefined {
  const rules = profile.syscalls.filter(({ names, args = [] }) => names.includes(name) && args.length === 0)
  expect(rules.length, name).toBeLessThanOrEqual(1)
  return rules[0]?.action
}

describe('the profile', () => {
  const profile = seccompProfile(DEFAULT_CAPABILITIES)

  test.each(['read', 'openat2', 'execve', 'chroot', 'mknod', 'ptrace', 'process_vm_readv', 'landlock_create_ruleset'])(
    '%s is allowed',
    (name) => {
      expect(ruleFor(profile, name)).toBe('SCMP_ACT_ALLOW')
    },
  )

  test.each(['mount', 'unshare', 'setns', 'bpf', 'keyctl', 'io_uring_setup', 'userfaultfd', 'reboot', 'kexec_load'])(
    '%s is denied',
    (name) => {
      expect(ruleFor(profile, name)).toBe('SCMP_ACT_ERRNO')
    },
  )

  test('no call is allowed and denied', () => {
    for (const each of [profile, seccompProfile([]), seccompProfile(ownCapabilities())]) {
      const names = each.syscalls.filter(({ args = [] }) => args.length === 0).flatMap((rule) => rule.names)
      expect(new Set(names).size).toBe(names.length)
    }
  })

  test('capabilities open what belongs to them', () => {
    const administrator = seccompProfile([...DEFAULT_CAPABILITIES, 'CAP_SYS_ADMIN', 'CAP_SYSLOG'])
    for (const name of ['mount', 'unshare', 'clone', 'clone3', 'setns', 'syslog']) {
      expect(ruleFor(administrator, name), name).toBe('SCMP_ACT_ALLOW')
    }
    expect(ruleFor(administrator, 'reboot')).toBe('SCMP_ACT_ERRNO')
    expect(ruleFor(seccompProfile([]), 'chroot')).toBe('SCMP_ACT_ERRNO')
  })

  test('what nobody has heard of does not exist', () => {
    expect(profile).toMatchObject({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 38 })
  })
})

const EPERM = 1
const ENOSYS = 38

/** System calls by number (x86-64), with arguments that do no harm, and what answers in a container of Docker's. */
const CALLS: [string, number, number[], 'allowed' | number][] = [
  ['getpid', 39, [], 'allowed'],
  ['ptrace(PTRACE_TRACEME)', 101, [0, 0, 0, 0], 'allowed'],
  ['process_vm_readv', 310, [1, 0, 0, 0, 0, 0], 'allowed'],
  ['personality(query)', 135, [0xffffffff], 'allowed'],
  ['socket(AF_UNIX)', 41, [1, 1, 0], 'allowed'],
  ['socket(AF_INET)', 41, [2, 1, 0], 'allowed'],
  ['socket(AF_VSOCK)', 41, [40, 1, 0], EPERM],
  ['mount', 165, [0, 0, 0, 0, 0], EPERM],
  ['umount2', 166, [0, 0], EPERM],
  ['unshare(CLONE_NEWUSER)', 272, [0x10000000], EPERM],
  ['clone(CLONE_NEWUSER)', 56, [0x10000000 | 17, 0, 0, 0, 0], EPERM],
  ['clone(CLONE_NEWNS)', 56, [0x00020000 | 17, 0, 0, 0, 0], EPERM],
  ['clone(CLONE_NEWNET)', 56, [0x40000000 | 17, 0, 0, 0, 0], EPERM],
  ['clone3', 435, [0, 0], ENOSYS],
  ['setns', 308, [-1, 0], EPERM],
  ['pivot_root', 155, [0, 0], EPERM],
  ['fsopen', 430, [0, 0], EPERM],
  ['keyctl', 250, [0, -3, 0, 0, 0], EPERM],
  ['add_key', 248, [0, 0, 0, 0, 0], EPERM],
  ['bpf', 321, [-1, 0, 0], EPERM],
  ['perf_event_open', 298, [0, 0, -1, -1, 0], EPERM],
  ['userfaultfd', 323, [0], EPERM],
  ['io_uring_setup', 425, [1, 0], EPERM],
  ['open_by_handle_at', 304, [-1, 0, 0], EPERM],
  ['settimeofday', 164, [0, 0], EPERM],
  ['reboot', 169, [0, 0, 0, 0], EPERM],
  ['init_module', 175, [0, 0, 0], EPERM],
  ['kexec_load', 246, [0, 0, 0, 0], EPERM],
  ['a call of the future', 999, [], ENOSYS],
]

/** Root, and somebody else where others can read this program. */
const USERS = [process.execPath, process.cwd()].every(isOpenToOthers) ? [0, 1000] : [0]

function isOpenToOthers(file: string): boolean {
  for (let at = file; at !== '/'; at = path.dirname(at)) if ((statSync(at).mode & 0o001) === 0) return false
  return true
}

/** Makes one call and prints its errno, 0 when it worked. What comes back twice, after a `clone`, prints twice. */
const CALL = `
const koffi = require('node:module').createRequire(process.argv[2])('koffi')
const [number, values] = JSON.parse(process.argv[1])
const prototype = 'long syscall(long n' + values.map((_, i) => ', long a' + i).join('') + ')'
const result = koffi.load(null).func(prototype)(number, ...values)
require('node:fs').writeSync(1, (result < 0 ? koffi.errno() : 0) + ' ')
process.kill(process.pid, 'SIGKILL')`

const WAYS = RUNTIMES.flatMap((program) =>
  program.endsWith('/crun') ? [{ program }, { program, compiled: true }] : [{ program }],
)

describe.skipIf(!isRoot || process.arch !== 'x64').each(WAYS)('in a container of %j (needs root, x86-64)', (way) => {
  test.each(USERS)('user %i: calls answer as in a container of Docker', async (uid) => {
    const args = { ...way, uid, call: CALL, calls: CALLS.map(([, number, values]) => [number, values]) }
    const output = await inChild(runAllCalls, { ...args, folder: temporaryFolder() }, { wrapper: PRIVATE_MOUNTS })
    const errnos = output
      .trim()
      .split('\n')
      .map((line) => Number(line.trim().split(' ')[0]))
    expect(errnos).toHaveLength(CALLS.length)
    const answers = CALLS.map(([name, , , expected], at) => {
      const errno = errnos[at]!
      const allowed = errno !== EPERM && errno !== ENOSYS
      return [name, expected === 'allowed' && allowed ? 'allowed' : errno]
    })
    expect(answers).toEqual(CALLS.map(([name, , , expected]) => [name, expected]))
  })
})

interface Calls {
  program: string
  /** Use the filter that was compiled when the machine was looked at. */
  compiled?: boolean
  uid: number
  call: string
  calls: unknown[]
  folder: string
}

/** Runs in a process with mounts of its own: a container whose root is the host's, where this Node makes the calls. */
async function runAllCalls(
  { host, fs, load }: ChildTools,
  { program, compiled, uid, call, calls, folder }: Calls,
): Promise<string> {
  const { writeBundle } = await load<typeof import('./bundle.ts')>('container/bundle.ts')
  const { probeMachine } = await load<typeof import('./probe.ts')>('container/probe.ts')
  const { runBundle } = await load<typeof import('./runtime.ts')>('container/runtime.ts')
  const job = { progress: () => {} }
  const [id, cgroup] = [`seccomp-${process.pid}`, '/slipway']
  host.adoptPrivateMounts()
  host.hideHybridCgroup()
  const facts = compiled ? await probeMachine({ folder: `${folder}/probe`, id: `${id}-p`, cgroup }, job) : undefined
  if (compiled && !facts?.seccompFilter) throw new Error('there is no compiled filter')
  const filter = facts?.seccompFilter ? { seccompFilter: facts.seccompFilter } : {}
  const runtime = { program, stateFolder: `${folder}/state`, cgroup, ...filter }
  const rootfs = `${folder}/rootfs`
  fs.mkdirSync(rootfs)
  host.bindMount('/', rootfs)
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
  const modules = `${process.cwd()}/package.json`
  const line = (each: unknown): string =>
    `${quoted(process.execPath)} --eval "$CALL" ${quoted(JSON.stringify(each))} ${quoted(modules)} 2>/dev/null; echo`
  const plain = { cwd: '/', hostname: 'box', terminal: false, network: 'none' as const, mounts: [] }
  writeBundle(folder, rootfs, {
    id,
    runtime,
    user: `${uid}:${uid}`,
    process: {
      ...plain,
      args: ['/bin/sh', '-c', calls.map(line).join('\n')],
      env: [`CALL=${call}`, 'PATH=/usr/bin:/bin'],
      readonlyRootfs: true,
    },
  })
  let output = ''
  const listener = {
    stdout: (chunk: Buffer): void => {
      output += String(chunk)
    },
    stderr: () => {},
  }
  await runBundle(runtime, { id, bundle: folder, program: '/bin/sh' }, listener, job)
  return output
}
