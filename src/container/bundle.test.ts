import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { silentJob } from '../core/index.ts'
import { temporaryFolder } from '../host/child.suite.ts'
import { findProgram, removeCgroup } from '../host/index.ts'
import { type BundleRequest, writeBundle } from './bundle.ts'
import { openKeeper } from './keeper-client.ts'
import { ACCOUNT_FILE_LIMIT } from './user.ts'

let folder: string
let rootfs: string

beforeEach(() => {
  const all = temporaryFolder()
  folder = path.join(all, 'bundle')
  rootfs = path.join(all, 'rootfs')
  mkdirSync(path.join(rootfs, 'etc'), { recursive: true })
  writeFileSync(path.join(rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nweb:x:33:34::/home:/bin/sh\n')
  writeFileSync(path.join(rootfs, 'etc/group'), 'root:x:0:\nwww:x:34:\nvideo:x:44:web\n')
})

function request(changes: Partial<BundleRequest> = {}): BundleRequest {
  return {
    id: 'abc',
    runtime: { program: '/usr/bin/crun', stateFolder: '/state', cgroup: '/slipway/store' },
    user: '',
    process: { args: ['sh'], env: [], cwd: '/', hostname: 'box', terminal: false, network: 'none', mounts: [] },
    ...changes,
  }
}

function configOf(changes: Partial<BundleRequest> = {}): {
  process: { user: object; env: string[] }
  root: object
  linux: { cgroupsPath: string }
} {
  writeBundle(folder, rootfs, request(changes))
  return JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8'))
}

test('a bundle names its root, its user and its control group', () => {
  const config = configOf({ user: 'web' })
  expect(config.root).toEqual({ path: rootfs, readonly: false })
  expect(config.process.user).toMatchObject({ uid: 33, gid: 34, additionalGids: [34, 44] })
  expect(config.linux.cgroupsPath).toBe('/slipway/store/abc')
  expect(statSync(folder).mode & 0o777).toBe(0o700)
})

test('HOME is that of the user, the root folder without one, and what the image says wins', () => {
  const homeWith = (changes: Partial<BundleRequest>): string[] =>
    configOf(changes).process.env.filter((pair) => pair.startsWith('HOME='))
  writeFileSync(path.join(rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nbare:x:9:9:::\n')
  expect(homeWith({})).toEqual(['HOME=/root'])
  expect(homeWith({ user: '1234' })).toEqual(['HOME=/'])
  expect(homeWith({ user: 'bare' })).toEqual(['HOME=/'])
  const { process } = request()
  expect(homeWith({ process: { ...process, env: ['HOME=/own'] } })).toEqual(['HOME=/own'])
})

test('an image without account files has root and numbers', () => {
  mkdirSync(path.join(rootfs, 'empty'))
  writeBundle(folder, path.join(rootfs, 'empty'), request({ user: '1000:1001' }))
  const { process } = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8'))
  expect(process.user).toMatchObject({ uid: 1000, gid: 1001 })
})

test('account files are looked up inside of the image, wherever its links point', () => {
  mkdirSync(path.join(rootfs, 'own'))
  writeFileSync(path.join(rootfs, 'own/passwd'), 'inside:x:7:8::/:/bin/sh\n')
  const image = path.join(rootfs, 'linked')
  mkdirSync(image)
  symlinkSync('/own', path.join(image, 'etc'))
  mkdirSync(path.join(image, 'own'))
  symlinkSync('../../../../../../../../etc/passwd', path.join(image, 'own/passwd'))
  // the link points to itself, from inside: there is no such file, and never the host's
  expect(() => writeBundle(folder, image, request({ user: 'root' }))).toThrow()
  expect(existsSync(path.join(folder, 'config.json'))).toBe(false)
})

test.each([
  ['an unknown user', { user: 'nobody-here' }, 'USER_UNKNOWN'],
  ['an unknown group', { user: 'web:nothing' }, 'USER_UNKNOWN'],
  ['a user that is none', { user: 'a:b:c' }, 'USER_INVALID'],
])('%s is refused, and nothing is written', (_what, changes, code) => {
  expect(() => configOf(changes)).toThrow(expect.objectContaining({ code }))
  expect(existsSync(folder)).toBe(false)
})

test('arguments that Linux cannot take are refused', () => {
  const { process } = request()
  expect(() => configOf({ process: { ...process, args: ['a\0b'] } })).toThrow(
    expect.objectContaining({ code: 'RUNTIME_FAILED' }),
  )
})

test('a giant account file is refused', () => {
  writeFileSync(path.join(rootfs, 'etc/group'), Buffer.alloc(ACCOUNT_FILE_LIMIT + 1))
  expect(() => configOf({ user: 'web' })).toThrow()
})

const FILTER = 'run.oci.seccomp_bpf_data'

test('a compiled filter goes along with the one that is described', () => {
  expect(filterConfigOf({}).annotations).toBeUndefined()
  const config = filterConfigOf({ seccompFilter: 'Zm9v' })
  expect(config.annotations).toEqual({ [FILTER]: 'Zm9v' })
  expect(config.linux.seccomp.syscalls.length).toBeGreaterThan(0)
})

test('a privileged process gets no filter at all', () => {
  const config = filterConfigOf({ seccompFilter: 'Zm9v' }, { privileged: true })
  expect(config.annotations).toBeUndefined()
  expect(config.linux.seccomp).toBeUndefined()
})

const canProbe = process.getuid?.() === 0 && findProgram('crun') !== undefined

test.skipIf(!canProbe)(
  'crun compiles the filter once, when the machine is looked at (needs root and crun)',
  async () => {
    const folder = temporaryFolder()
    await using keeper = openKeeper({ processes: true })
    const request = {
      folder: path.join(folder, 'probe'),
      id: `probe-${process.pid}`,
      cgroup: `/slipway-test-${process.pid}`,
    }
    const facts = await keeper.call('probe', request, silentJob)
    removeCgroup(request.cgroup)
    if (!facts.runtime?.endsWith('/crun')) return
    // instructions of classic BPF take 8 bytes; one for each call at least
    const bytes = Buffer.from(facts.seccompFilter ?? '', 'base64').length
    expect(bytes % 8).toBe(0)
    expect(bytes / 8).toBeGreaterThan(300)
  },
)

interface FilterConfig {
  annotations?: Record<string, string>
  linux: { seccomp: { syscalls: unknown[] } }
}

function filterConfigOf(
  runtime: Pick<BundleRequest['runtime'], 'seccompFilter'>,
  changes: Partial<BundleRequest['process']> = {},
): FilterConfig {
  const folder = temporaryFolder()
  const plain = {
    args: ['true'],
    env: [],
    cwd: '/',
    hostname: 'x',
    terminal: false,
    network: 'none' as const,
    mounts: [],
  }
  const request: BundleRequest = {
    id: 'x',
    runtime: { program: '/usr/bin/crun', stateFolder: '/nonexistent', cgroup: '/x', ...runtime },
    user: '0',
    process: { ...plain, ...changes },
  }
  writeBundle(folder, folder, request)
  return JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as FilterConfig
}
