import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { DEFAULT_CAPABILITIES, ownCapabilities } from './capabilities.ts'
import { canRun, openWorkshop, processOf, RUNTIMES, runStep, type Workshop } from './fixture.suite.ts'
import { type ContainerProcess, runtimeSpec } from './spec.ts'

interface Spec {
  process: {
    args: string[]
    capabilities: Record<string, string[]>
    user: Record<string, unknown>
    terminal: boolean
    noNewPrivileges: boolean
  }
  root: { path: string; readonly: boolean }
  mounts: { destination: string; type: string; source: string; options: string[] }[]
  linux: {
    namespaces: { type: string }[]
    resources: { devices: Record<string, unknown>[] }
    maskedPaths?: string[]
    readonlyPaths?: string[]
    seccomp?: unknown
    cgroupsPath: string
  }
}

function specOf(changes: Partial<ContainerProcess> = {}): Spec {
  const user = { uid: 0, gid: 0, additionalGids: [] }
  return runtimeSpec({ ...processOf({}), user, ...changes }, '/root', '/slipway/x') as unknown as Spec
}

const mountAt = (spec: Spec, target: string): Spec['mounts'][0] | undefined =>
  spec.mounts.find(({ destination }) => destination === target)

describe('capabilities', () => {
  test('root has Docker’s fourteen, and passes none on by inheritance', () => {
    const { capabilities } = specOf().process
    expect(capabilities['effective']).toEqual(DEFAULT_CAPABILITIES)
    expect(DEFAULT_CAPABILITIES).toHaveLength(14)
    expect(capabilities).toMatchObject({ inheritable: [], ambient: [], permitted: DEFAULT_CAPABILITIES })
  })

  test('another user has none, but may get root’s by a setuid program', () => {
    const { capabilities } = specOf({ user: { uid: 5, gid: 6, additionalGids: [7] } }).process
    expect(capabilities).toEqual({
      bounding: DEFAULT_CAPABILITIES,
      effective: [],
      permitted: [],
      inheritable: [],
      ambient: [],
    })
  })

  test('what this process has is what the kernel says', () => {
    const bits = BigInt(`0x${/CapBnd:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))![1]}`)
    const own = ownCapabilities()
    expect(own.length).toBe(bits.toString(2).replaceAll('0', '').length)
    expect(own.includes('CAP_SYS_ADMIN')).toBe(((bits >> 21n) & 1n) === 1n)
    expect(own.includes('CAP_CHOWN')).toBe((bits & 1n) === 1n)
  })

  test('a privileged one has all that this process has', () => {
    const { capabilities } = specOf({ privileged: true }).process
    expect(capabilities['bounding']).toEqual(ownCapabilities())
    expect(capabilities['effective']).toEqual(ownCapabilities())
  })
})

describe('what is hidden', () => {
  test('paths of /proc and /sys are masked or read-only, but not for a privileged one', () => {
    const { linux } = specOf()
    expect(linux.maskedPaths).toEqual(expect.arrayContaining(['/proc/kcore', '/proc/keys', '/sys/firmware']))
    expect(linux.readonlyPaths).toEqual(expect.arrayContaining(['/proc/sys', '/proc/sysrq-trigger']))
    expect(linux.seccomp).toBeDefined()
    const privileged = specOf({ privileged: true })
    expect(privileged.linux).not.toHaveProperty('maskedPaths')
    expect(privileged.linux).not.toHaveProperty('readonlyPaths')
    expect(privileged.linux).not.toHaveProperty('seccomp')
    expect(mountAt(specOf(), '/sys')!.options).toContain('ro')
    expect(mountAt(privileged, '/sys')!.options).toContain('rw')
  })

  test('devices are denied before some are allowed', () => {
    const { devices } = specOf().linux.resources
    expect(devices[0]).toEqual({ allow: false, access: 'rwm' })
    expect(devices).toContainEqual({ allow: true, type: 'c', major: 1, minor: 3, access: 'rwm' })
    expect(devices).not.toContainEqual(expect.objectContaining({ type: 'b', access: 'rwm' }))
    expect(specOf({ privileged: true }).linux.resources.devices).toEqual([{ allow: true, access: 'rwm' }])
  })

  test('namespaces: a network of its own unless it shares the host’s', () => {
    const types = (spec: Spec): string[] => spec.linux.namespaces.map(({ type }) => type)
    expect(types(specOf({ network: 'none' }))).toEqual(['pid', 'ipc', 'uts', 'mount', 'network'])
    expect(types(specOf({ network: 'host' }))).toEqual(['pid', 'ipc', 'uts', 'mount'])
  })
})

describe('mounts', () => {
  test('of users come last, so that they can lie on those of the system', () => {
    const mounts = [{ type: 'bind' as const, source: '/data', target: '/dev/shm' }]
    const targets = specOf({ mounts }).mounts.map(({ destination }) => destination)
    expect(targets.lastIndexOf('/dev/shm')).toBe(targets.length - 1)
  })

  test('binds are private and recursive, and read-only where asked', () => {
    const bind = { type: 'bind' as const, source: '/data', target: '/d' }
    expect(mountAt(specOf({ mounts: [bind] }), '/d')).toEqual({
      destination: '/d',
      type: 'bind',
      source: '/data',
      options: ['rbind', 'rprivate', 'rw'],
    })
    expect(mountAt(specOf({ mounts: [{ ...bind, readonly: true }] }), '/d')!.options).toContain('ro')
  })

  test('a tmpfs holds no programs and no devices unless its options say so', () => {
    const tmpfs = { type: 'tmpfs' as const, target: '/t', options: ['size=1m', 'exec'] }
    expect(mountAt(specOf({ mounts: [tmpfs] }), '/t')!.options).toEqual(['nosuid', 'nodev', 'rw', 'size=1m', 'exec'])
    expect(mountAt(specOf({ mounts: [{ ...tmpfs, options: [] }] }), '/t')!.options).toContain('noexec')
  })

  test('a mount of the user takes the place of one that is there anyhow', () => {
    const spec = specOf({ mounts: [{ type: 'tmpfs', target: '/dev/shm', options: ['size=1m'] }] })
    const mounts = (spec['mounts'] as { destination: string; options: string[] }[]).filter(
      ({ destination }) => destination === '/dev/shm',
    )
    expect(mounts.map(({ options }) => options.includes('size=1m'))).toEqual([true])
  })

  test('shared memory has 64 MiB, or what was asked for', () => {
    expect(mountAt(specOf(), '/dev/shm')!.options).toContain(`size=${64 << 20}`)
    expect(mountAt(specOf({ shmSize: 1 << 20 }), '/dev/shm')!.options).toContain(`size=${1 << 20}`)
  })
})

describe.skipIf(!canRun).each(RUNTIMES)('%s runs it (needs root, a runtime, conmon and busybox)', (runtime) => {
  const sh = (workshop: Workshop, script: string, more: Partial<ContainerProcess> = {}, user = '') =>
    runStep(workshop, { args: ['sh', '-c', script], ...more }, { runtime, user })

  test('with what the spec says of its process', async () => {
    const workshop = await openWorkshop({ processes: true })
    const script =
      'id; pwd; echo $A; hostname; umask; cat /proc/1/status | grep -E "CapEff|CapInh|Seccomp:|NoNewPrivs"; ls /proc/1/fd'
    const { stdout } = await sh(workshop, script, { env: ['PATH=/bin', 'A=b c'], cwd: '/tmp', hostname: 'somewhere' })
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(/^uid=0\(root\) gid=0\(root\)/),
      '/tmp',
      'b c',
      'somewhere',
      '0022',
      'CapInh:\t0000000000000000',
      'CapEff:\t00000000a80425fb',
      'NoNewPrivs:\t0',
      'Seccomp:\t2',
      // the streams, and the folder that ls reads, which is in the shell's place; nothing of ours
      '0',
      '1',
      '2',
      '3',
      '',
    ])
  })

  test('as another user, with its groups and without capabilities', async () => {
    const workshop = await openWorkshop({ processes: true })
    const { stdout } = await sh(workshop, 'id; grep CapEff /proc/self/status', {}, 'web')
    expect(stdout).toMatch(/^uid=33\(web\) gid=34\(www\) groups=(34\(www\),)?44\(video\)/)
    expect(stdout).toContain('CapEff:\t0000000000000000')
  })

  test('hides the host: processes, devices, kernel memory', async () => {
    const workshop = await openWorkshop({ processes: true })
    const script = [
      'echo pid $$',
      'echo processes $(ls /proc | grep -c "^[0-9]*$")',
      '[ -s /proc/kcore ] || echo no kcore',
      'echo firmware $(ls /sys/firmware)',
      'echo x 2>/dev/null > /proc/sys/kernel/hostname || echo sysctl refused',
      'echo devices $(ls /dev)',
      'mknod /tmp/disk b 254 0 && dd if=/tmp/disk of=/dev/null bs=512 count=1 2>&1 | head -1',
    ].join('; ')
    const lines = (await sh(workshop, script)).stdout.trim().split('\n')
    expect(lines[0]).toBe('pid 1')
    expect(Number(lines[1]!.split(' ')[1])).toBeLessThanOrEqual(4)
    expect(lines.slice(2, 5)).toEqual(['no kcore', 'firmware', 'sysctl refused'])
    const devices = lines[5]!.split(' ').filter((name) => !['core', 'fd', 'stdin', 'stdout', 'stderr'].includes(name))
    const expected = ['full', 'mqueue', 'null', 'ptmx', 'pts', 'random', 'shm', 'tty', 'urandom', 'zero']
    expect(devices).toEqual(['devices', ...expected])
    expect(lines[6]).toMatch(/Operation not permitted/)
  })

  test('a read-only root with a tmpfs in it', async () => {
    const workshop = await openWorkshop({ processes: true })
    const mounts = [{ type: 'tmpfs' as const, target: '/tmp', options: ['size=1m'] }]
    const script =
      'echo x > /file || echo refused; echo y > /tmp/file && cat /tmp/file; dd if=/dev/zero of=/tmp/big bs=2M count=1 2>&1 | grep -c "No space"'
    const { stdout } = await sh(workshop, script, { readonlyRootfs: true, mounts })
    expect(stdout).toBe('refused\ny\n1\n')
  })

  test('privileged: everything is open', async () => {
    const workshop = await openWorkshop({ processes: true })
    const script =
      'grep Seccomp: /proc/self/status; mount -t tmpfs none /tmp && echo mounted; cat /proc/sys/kernel/hostname > /proc/sys/kernel/hostname && echo writable'
    const { stdout } = await sh(workshop, script, { privileged: true })
    expect(stdout).toBe('Seccomp:\t0\nmounted\nwritable\n')
  })

  test('a network of its own has a loopback device only, and it works', async () => {
    const workshop = await openWorkshop({ processes: true })
    const { stdout } = await sh(
      workshop,
      'ls /sys/class/net; ip addr show lo | grep -c "127.0.0.1/8"; ping -c 1 -W 2 127.0.0.1 | grep -c "1 packets received"',
    )
    expect(stdout).toBe('lo\n1\n1\n')
  })
})

interface Limited {
  process: { rlimits: unknown }
  linux: { resources: Record<string, unknown> }
}

test('limits are those that were given, no others', () => {
  const spec = specOf({
    ulimits: [{ name: 'nofile', soft: 10, hard: -1 }],
    resources: { memory: 1 << 20, cpuQuota: 5000, cpusetCpus: '0' },
  }) as unknown as Limited
  expect(spec.process.rlimits).toEqual([{ type: 'RLIMIT_NOFILE', soft: 10, hard: Number.MAX_SAFE_INTEGER }])
  expect(spec.linux.resources).toMatchObject({ memory: { limit: 1 << 20 }, cpu: { quota: 5000, cpus: '0' } })
  expect(Object.keys((specOf() as unknown as Limited).linux.resources)).toEqual(['devices'])
})
