import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** The instruction set of a program, as the head of its file says. */
export interface Machine {
  /** As platforms name it: `arm64`. `unknown` with the number for one that has no such name. */
  architecture: string
}

/** A program that the kernel runs programs of another machine with (Linux, Documentation/admin-guide/binfmt-misc.rst). */
export interface Emulator {
  /** Of the registration: `qemu-aarch64`. */
  name: string
  interpreter: string
  architecture: string
  enabled: boolean
  /** The kernel opened the interpreter when it was registered (flag F), so it need not be in the container. */
  fixed: boolean
}

/** What the kernel can emulate, and whether it could be told to. */
export interface EmulatorList {
  /** Whether binfmt_misc is mounted. */
  mounted: boolean
  emulators: Emulator[]
}

const FOLDER = '/proc/sys/fs/binfmt_misc'
/** The part of an ELF header that names the machine. */
export const ELF_HEAD = 20

/** Reads the kernel's registrations; other things than ELF programs of known machines are left out. */
export function listEmulators(folder: string = FOLDER): EmulatorList {
  const names = namesIn(folder)
  if (!names.includes('status')) return { mounted: false, emulators: [] }
  const off = readText(path.join(folder, 'status')).trim() === 'disabled'
  const entries = names.filter((name) => name !== 'status' && name !== 'register')
  const emulators = entries.flatMap((name) => parseRegistration(name, readText(path.join(folder, name))) ?? [])
  return { mounted: true, emulators: off ? emulators.map((each) => ({ ...each, enabled: false })) : emulators }
}

/** Reads a registration as the kernel shows it; `undefined` for one that is not about ELF programs. */
export function parseRegistration(name: string, text: string): Emulator | undefined {
  const fieldOf = (key: string): string => new RegExp(`^${key}:? (.*)$`, 'm').exec(text)?.[1] ?? ''
  const architecture = machineOf(Buffer.from(fieldOf('magic'), 'hex'))?.architecture
  if (!architecture || fieldOf('offset') !== '0') return undefined
  const enabled = /^enabled$/m.test(text)
  return { name, interpreter: fieldOf('interpreter'), architecture, enabled, fixed: fieldOf('flags').includes('F') }
}

// System V ABI, "ELF Header": e_ident[EI_CLASS], e_ident[EI_DATA], e_machine
const NAMES: Readonly<Record<string, string>> = {
  '1 1 3': '386',
  '2 1 62': 'amd64',
  '1 1 40': 'arm',
  '2 1 183': 'arm64',
  '2 1 243': 'riscv64',
  '2 1 258': 'loong64',
  '2 1 21': 'ppc64le',
  '2 2 21': 'ppc64',
  '2 2 22': 's390x',
  '1 1 8': 'mipsle',
  '1 2 8': 'mips',
  '2 1 8': 'mips64le',
  '2 2 8': 'mips64',
}

/** The machine that an ELF program is for, by its first 20 bytes; `undefined` when it is no ELF program. */
export function machineOf(head: Uint8Array): Machine | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length)
  if (bytes.length < ELF_HEAD || bytes.readUInt32BE(0) !== 0x7f454c46) return undefined
  const [bits, data] = [bytes[4]!, bytes[5]!]
  const number = data === 2 ? bytes.readUInt16BE(18) : bytes.readUInt16LE(18)
  return { architecture: NAMES[`${bits} ${data} ${number}`] ?? `unknown (ELF machine ${number})` }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return [] // a kernel without binfmt_misc
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return '' // taken away meanwhile
  }
}
