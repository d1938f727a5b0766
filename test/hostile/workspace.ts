/** A capped place for hostile files: what they try to fill or to reach is ours. Needs root. */
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** Where layers are kept: as the kernel mounts them from their index, or unpacked (the fallback). */
export type StoreKind = 'erofs' | 'directory'

/** Two small file systems: one with the cases and the canary, one with the stores. */
export interface Workspace extends Disposable {
  /** For what the generators write. A tmpfs that notes each reading (`strictatime`). */
  readonly cases: string
  readonly canary: Canary
  /** A folder for a store. */
  readonly stores: string
  /** Bytes in use where the stores are. */
  usedBytes(): number
}

const MiB = 1 << 20
const CASES_SIZE = 2048
const STORES_SIZE = 2048

/** Mounts the two file systems; disposing takes them away again. */
export function openWorkspace(kind: StoreKind): Workspace {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-hostile-'))
  const mounted: string[] = []
  const mount = (name: string, args: string[]): string => {
    const target = path.join(folder, name)
    mkdirSync(target)
    execFileSync('mount', [...args, target])
    mounted.push(target)
    return target
  }
  const dispose = (): void => {
    for (const target of mounted.reverse()) execFileSync('umount', ['--lazy', target])
    for (const target of mounted) rmdirSync(target)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const cases = mount('cases', ['-t', 'tmpfs', '-o', `size=${CASES_SIZE}m,strictatime`, 'tmpfs'])
    const stores =
      kind === 'directory'
        ? mount('stores', ['-t', 'tmpfs', '-o', `size=${STORES_SIZE}m`, 'tmpfs'])
        : mount('stores', ['-o', 'loop', diskImage(path.join(folder, 'stores.img'))])
    const canary = new Canary(path.join(cases, 'canary'))
    return { cases, stores, canary, usedBytes: () => usedBytes(stores), [Symbol.dispose]: dispose }
  } catch (error) {
    dispose()
    throw error
  }
}

/** EROFS is mounted from files of a disk's file system, not from those of a tmpfs. */
function diskImage(file: string): string {
  execFileSync('truncate', ['--size', `${STORES_SIZE}M`, file])
  execFileSync('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,nodiscard', file])
  return file
}

function usedBytes(folder: string): number {
  const line = execFileSync('df', ['--block-size=1', '--output=used', folder], { encoding: 'utf8' })
    .trim()
    .split('\n')[1]
  return Number(line)
}

/** A folder that nothing may read, write or change. */
export class Canary {
  readonly folder: string
  /** What its files hold, and nothing else on this machine does. */
  readonly secret: string = `canary-${process.pid}-${Math.random().toString(36).slice(2)}`
  #before: string

  constructor(folder: string) {
    this.folder = folder
    mkdirSync(folder, { mode: 0o751 })
    writeFileSync(path.join(folder, 'victim'), `victimuser:x:0:0:${this.secret}:/:/bin/sh\n`, { mode: 0o640 })
    writeFileSync(path.join(folder, 'victim.json'), imageConfig(this.secret), { mode: 0o640 })
    writeFileSync(path.join(folder, 'victim.tar'), tarOf('victim', this.secret), { mode: 0o640 })
    this.#before = this.#state()
  }

  /** What is different since the last call: content, modes, owners, links, times; reading leaves an access time. */
  changes(): string[] {
    const before = this.#before.split('\n')
    this.#before = this.#state()
    const after = this.#before.split('\n')
    return [
      ...before.filter((line) => !after.includes(line)).map((line) => `was ${line}`),
      ...after.filter((line) => !before.includes(line)).map((line) => `now ${line}`),
    ]
  }

  /** Contents are not read here: the size and the times tell as much, and reading would leave a trace. */
  #state(): string {
    const names = ['.', ...readdirSync(this.folder).sort()]
    return names.map((name) => describe(path.join(this.folder, name), name)).join('\n')
  }

  /** Whether the files still hold what they did. For the end: it reads them. */
  isIntact(): boolean {
    return ['victim', 'victim.json', 'victim.tar'].every((name) =>
      readFileSync(path.join(this.folder, name)).includes(this.secret),
    )
  }
}

function describe(file: string, name: string): string {
  const { mode, uid, gid, nlink, size, mtimeNs, ctimeNs, atimeNs, ino } = lstatSync(file, { bigint: true })
  // listing the folder, as we do, is a reading of it
  const read = name === '.' ? '' : ` read ${atimeNs}`
  return `${name} ino ${ino} mode ${mode.toString(8)} of ${uid}:${gid} links ${nlink} size ${size} at ${mtimeNs}/${ctimeNs}${read}`
}

function imageConfig(label: string): string {
  const rootfs = { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] }
  return JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Labels: { label } }, rootfs })
}

function tarOf(name: string, text: string): Buffer {
  return execFileSync('sh', [
    '-c',
    `cd "$(mktemp -d)" && printf %s "$2" > "$1" && tar -c "$1" && rm -r "$PWD"`,
    '-',
    name,
    text,
  ])
}

/** Bytes of a file system that no case may come near. */
export const DISK_LIMIT: number = 1024 * MiB
