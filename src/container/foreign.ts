import { closeSync, constants, fstatSync, readSync } from 'node:fs'
import path from 'node:path'
import { fail, toByteString } from '../core/index.ts'
import { ELF_HEAD, type EmulatorList, listEmulators, machineOf, openInRoot } from '../host/index.ts'
import { formatPlatform, hostPlatform, matchesPlatform } from '../oci/index.ts'

/** What is to be started, as far as it decides which file that is. */
interface Program {
  args: readonly string[]
  env: readonly string[]
  cwd: string
  /** What covers a program is not looked through. */
  mounts: readonly { target: string }[]
}

// Linux, fs/exec.c: an interpreter may have an interpreter
const MOST_INTERPRETERS = 5
const HEAD = 256

/**
 * Refuses a program that is for another machine, when the kernel has no emulator that works in a container: the runtime
 * could only say `exec format error`. Says nothing about a program that is not there. Fails with `PLATFORM_FOREIGN`.
 */
export function checkProgram(rootfs: string, program: Program, emulators: EmulatorList = listEmulators()): void {
  const [name = ''] = program.args
  const covered = (file: string): boolean => program.mounts.some(({ target }) => `${file}/`.startsWith(`${target}/`))
  for (const candidate of candidatesFor(name, program)) {
    if (covered(candidate)) return
    const architecture = architectureOf(rootfs, candidate)
    if (architecture === undefined) continue
    if (!canRun(architecture, emulators)) throw foreign(name, architecture, emulators)
    return
  }
}

/** Platforms that programs of can run here: the machine's own, those it runs by itself, those that are emulated. */
export function runnablePlatforms(emulators: EmulatorList = listEmulators()): string[] {
  const host = hostPlatform()
  const own = host.architecture === 'amd64' ? ['386'] : host.architecture === 'arm64' ? ['arm'] : []
  const emulated = emulators.emulators.filter(works).map(({ architecture }) => architecture)
  const others = [...new Set([...own, ...emulated])].filter((architecture) => architecture !== host.architecture)
  return [formatPlatform(host), ...others.map((architecture) => formatPlatform({ os: host.os, architecture }))]
}

const works = ({ enabled, fixed }: EmulatorList['emulators'][number]): boolean => enabled && fixed

function canRun(architecture: string, { emulators }: EmulatorList): boolean {
  const host = hostPlatform()
  if (matchesPlatform(host, { os: host.os, architecture })) return true
  return emulators.some((each) => each.architecture === architecture && works(each))
}

/** As execvp looks for it. */
function candidatesFor(name: string, { env, cwd }: Pick<Program, 'env' | 'cwd'>): string[] {
  if (name === '') return []
  if (name.includes('/')) return [path.posix.resolve(cwd || '/', name)]
  const list = env.findLast((pair) => pair.startsWith('PATH='))?.slice('PATH='.length) ?? '/bin:/usr/bin'
  return list.split(':').map((folder) => path.posix.resolve(cwd || '/', folder, name))
}

/** The architecture of the program that would run in the end; `undefined` when that is no ELF program, or is missing. */
function architectureOf(rootfs: string, file: string): string | undefined {
  let at = file
  for (let count = 0; count < MOST_INTERPRETERS; count++) {
    const head = headOf(rootfs, at)
    if (!head) return undefined
    const interpreter = /^#![ \t]*([^ \t\n\0]+)/.exec(head.toString('latin1'))?.[1]
    if (interpreter === undefined) return machineOf(head.subarray(0, ELF_HEAD))?.architecture
    at = path.posix.resolve('/', Buffer.from(interpreter, 'latin1').toString())
  }
  return undefined
}

function headOf(rootfs: string, file: string): Buffer | undefined {
  let fd: number
  try {
    fd = openInRoot(rootfs, toByteString(file), constants.O_RDONLY | constants.O_NONBLOCK)
  } catch {
    return undefined // the runtime will say it
  }
  try {
    if (!fstatSync(fd).isFile()) return undefined
    const buffer = Buffer.alloc(HEAD)
    return buffer.subarray(0, readSync(fd, buffer, 0, HEAD, 0))
  } catch {
    return undefined
  } finally {
    closeSync(fd)
  }
}

function foreign(name: string, architecture: string, list: EmulatorList): Error {
  const host = hostPlatform()
  const known = architecture.startsWith('unknown') ? architecture : formatPlatform({ os: 'linux', architecture })
  const message = `exec ${name}: exec format error: the program is for ${known}, this machine is ${formatPlatform(host)}`
  return fail('PLATFORM_FOREIGN', message, { hint: hintFor(architecture, list), data: { exitCode: 126 } })
}

/** What is missing, and what root can do about it. */
function hintFor(architecture: string, { mounted, emulators }: EmulatorList): string {
  const found = emulators.find((each) => each.architecture === architecture)
  if (found && !found.enabled)
    return `the emulator ${found.name} is registered, but disabled: update-binfmts --enable ${found.name}`
  if (found) {
    const without = `the emulator ${found.name} (${found.interpreter}) is registered without the flag F, so containers cannot see it`
    return `${without}: apt-get install qemu-user-static binfmt-support, whose registrations have it`
  }
  const install = 'apt-get install qemu-user-static binfmt-support'
  if (mounted) return `emulate it: ${install}`
  const mount = 'mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc && update-binfmts --enable'
  return `emulate it: ${install}; where nothing mounts binfmt_misc, as in many containers, as root: ${mount}`
}
