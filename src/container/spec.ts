import { DEFAULT_CAPABILITIES, ownCapabilities } from './capabilities.ts'
import { seccompProfile } from './seccomp.ts'
import type { ContainerUser } from './user.ts'

/** A file or folder of the host, or a fresh tmpfs, that appears inside. */
export interface ContainerMount {
  /** Absolute path inside. */
  target: string
  type: 'bind' | 'tmpfs'
  /** Host path of a bind. */
  source?: string
  readonly?: boolean
  /** Further mount options, `size=64m` and the like. */
  options?: readonly string[]
}

/** What to run and how it is confined: the part of an OCI runtime spec that users decide about. */
export interface ContainerProcess {
  args: readonly string[]
  env: readonly string[]
  cwd: string
  user: ContainerUser
  hostname: string
  /** With a terminal its size comes later, by a resize. */
  terminal: boolean
  /** `host` shares the host's network, `none` has a loopback device only. */
  network: 'host' | 'none'
  mounts: readonly ContainerMount[]
  readonlyRootfs?: boolean
  /** Bytes of /dev/shm. */
  shmSize?: number
  /** Everything a host process may do: all capabilities of this process, all devices, nothing masked. */
  privileged?: boolean
  ulimits?: readonly Ulimit[]
  resources?: Resources
}

/** A limit of a process (setrlimit(2)); -1 for none. */
export interface Ulimit {
  /** `nofile`, without `RLIMIT_`. */
  name: string
  soft: number
  hard: number
}

/** What a container may take of the machine. Sizes in bytes, times in microseconds. */
export interface Resources {
  memory?: number
  /** Memory and swap together, -1 for no limit. */
  memorySwap?: number
  cpuShares?: number
  cpuPeriod?: number
  cpuQuota?: number
  /** `0-2,4`. */
  cpusetCpus?: string
  cpusetMems?: string
}

const DEFAULT_SHM_SIZE = 64 << 20

/** Paths of /proc and /sys that tell about, or change, the host. As Docker masks them. */
const MASKED = [
  '/proc/acpi',
  '/proc/asound',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/devices/virtual/powercap',
  '/sys/firmware',
]
const READONLY = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

/** Device nodes a container may open: null, zero, full, random, urandom, tty, ptmx, pts; mknod of any is allowed. */
const DEVICES = [
  { allow: false, access: 'rwm' },
  { allow: true, type: 'c', access: 'm' },
  { allow: true, type: 'b', access: 'm' },
  ...[
    [1, 3],
    [1, 5],
    [1, 7],
    [1, 8],
    [1, 9],
    [5, 0],
    [5, 2],
  ].map(([major, minor]) => ({ allow: true, type: 'c', major, minor, access: 'rwm' })),
  { allow: true, type: 'c', major: 136, access: 'rwm' },
]

/** The `config.json` of an OCI bundle (runtime spec 1.0) whose root file system is mounted at `rootfs`. */
export function runtimeSpec(process: ContainerProcess, rootfs: string, cgroupsPath: string): Record<string, unknown> {
  return {
    ociVersion: '1.0.2',
    process: processPart(process),
    root: { path: rootfs, readonly: process.readonlyRootfs ?? false },
    hostname: process.hostname,
    // what a user mounts takes the place of what is there anyhow, /dev/shm for instance
    mounts: [
      ...systemMounts(process).filter(
        ({ destination }) => !process.mounts.some((mount) => mount.target === destination),
      ),
      ...process.mounts.map(userMount),
    ],
    linux: linuxPart(process, cgroupsPath),
  }
}

function processPart(process: ContainerProcess): Record<string, unknown> {
  const { uid, gid, additionalGids } = process.user
  return {
    terminal: process.terminal,
    // the group itself is among the supplementary ones, or giving it up would give access (CVE-2022-36109)
    user: { uid, gid, additionalGids: [...new Set([gid, ...additionalGids])], umask: 0o022 },
    args: process.args,
    env: process.env,
    cwd: process.cwd,
    capabilities: capabilitySets(process),
    noNewPrivileges: false,
    ...(process.ulimits ? { rlimits: process.ulimits.map(rlimit) } : {}),
  }
}

function rlimit({ name, soft, hard }: Ulimit): Record<string, unknown> {
  // the specification has unsigned numbers, of which the largest that JSON.stringify keeps stands for "no limit"
  const value = (limit: number): number => (limit < 0 ? Number.MAX_SAFE_INTEGER : limit)
  return { type: `RLIMIT_${name.toUpperCase()}`, soft: value(soft), hard: value(hard) }
}

function limits(resources: Resources = {}): Record<string, unknown> {
  const { memory: limit, memorySwap: swap, cpuShares: shares, cpuPeriod: period, cpuQuota: quota } = resources
  const { cpusetCpus: cpus, cpusetMems: mems } = resources
  const memory = given({ limit, swap })
  const cpu = given({ shares, period, quota, cpus, mems })
  return { ...(memory ? { memory } : {}), ...(cpu ? { cpu } : {}) }
}

function given(fields: Record<string, unknown>): Record<string, unknown> | undefined {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined)
  return known.length === 0 ? undefined : Object.fromEntries(known)
}

/** As execve would leave them: a user other than root starts with none in effect. Inheritable stays empty (CVE-2022-24769). */
function capabilitySets(process: ContainerProcess): Record<string, readonly string[]> {
  const bounding = process.privileged ? ownCapabilities() : DEFAULT_CAPABILITIES
  const effective = process.user.uid === 0 ? bounding : []
  return { bounding, effective, permitted: effective, inheritable: [], ambient: [] }
}

function systemMounts(process: ContainerProcess): Record<string, unknown>[] {
  const mount = (destination: string, type: string, source: string, ...options: string[]): Record<string, unknown> => ({
    destination,
    type,
    source,
    options,
  })
  const access = process.privileged ? 'rw' : 'ro'
  const shm = `size=${process.shmSize ?? DEFAULT_SHM_SIZE}`
  return [
    mount('/proc', 'proc', 'proc', 'nosuid', 'noexec', 'nodev'),
    mount('/dev', 'tmpfs', 'tmpfs', 'nosuid', 'strictatime', 'mode=755', 'size=65536k'),
    mount('/dev/pts', 'devpts', 'devpts', 'nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'),
    mount('/sys', 'sysfs', 'sysfs', 'nosuid', 'noexec', 'nodev', access),
    mount('/sys/fs/cgroup', 'cgroup', 'cgroup', 'nosuid', 'noexec', 'nodev', 'relatime', access),
    mount('/dev/mqueue', 'mqueue', 'mqueue', 'nosuid', 'noexec', 'nodev'),
    mount('/dev/shm', 'tmpfs', 'shm', 'nosuid', 'noexec', 'nodev', 'mode=1777', shm),
  ]
}

function userMount(mount: ContainerMount): Record<string, unknown> {
  const access = mount.readonly ? 'ro' : 'rw'
  if (mount.type === 'tmpfs') {
    const { options: given = [] } = mount
    const confined = ['nosuid', 'nodev', 'noexec'].filter((option) => !given.includes(option.slice(2)))
    const options = [...confined, access, ...given]
    return { destination: mount.target, type: 'tmpfs', source: 'tmpfs', options }
  }
  const options = ['rbind', 'rprivate', access, ...(mount.options ?? [])]
  return { destination: mount.target, type: 'bind', source: mount.source, options }
}

function linuxPart(process: ContainerProcess, cgroupsPath: string): Record<string, unknown> {
  const namespaces = ['pid', 'ipc', 'uts', 'mount', ...(process.network === 'host' ? [] : ['network'])]
  return {
    cgroupsPath,
    namespaces: namespaces.map((type) => ({ type })),
    resources: {
      devices: process.privileged ? [{ allow: true, access: 'rwm' }] : DEVICES,
      ...limits(process.resources),
    },
    ...(process.privileged
      ? {}
      : { maskedPaths: MASKED, readonlyPaths: READONLY, seccomp: seccompProfile(DEFAULT_CAPABILITIES) }),
  }
}
