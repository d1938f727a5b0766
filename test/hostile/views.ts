/** The files of an image, seen twice: by our own reader of the indexes, and from inside of a container. */
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { type Examined, examine } from './examine.ts'

/** Paths as latin1, without a leading slash. */
export type Listing = Set<string>

/** What our reader sees. */
export async function listTree(root: string, image: string): Promise<Listing> {
  const program = path.join(import.meta.dirname, 'list-tree.ts')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', program, root, image],
    { encoding: 'latin1', maxBuffer: 1 << 28, timeout: 60_000 },
  )
  return new Set(stdout.split('\0').slice(0, -1))
}

const BUSYBOX = '/.probe/busybox'
const BETWEEN = '\0\0\0'

/** Looks from inside, with a program of the host's: what is there, and modes (`0755`) of some of it. */
export async function lookInside(
  root: string,
  image: string,
  paths: readonly string[],
): Promise<{ run: Examined; listing: Listing; modes: Map<string, string> }> {
  const modes = paths.map((each) => `${BUSYBOX} stat -c %a '/${each}'`).join('; ') || ':'
  const script = `${BUSYBOX} find / -xdev -print0; ${BUSYBOX} printf '\\0\\0'; ${modes}`
  const mount = ['--volume', `/bin/busybox:${BUSYBOX}:ro`, '--entrypoint', BUSYBOX]
  const run = await examine(
    ['run', '--rm', '--network', 'none', '--user', '0:0', '--workdir', '/', ...mount, image, 'sh', '-c', script],
    { root, output: 'of a container' },
  )
  const [names = '', answers = ''] = run.result.stdout.toString('latin1').split(BETWEEN)
  const words = answers.trim().split('\n')
  return {
    run,
    listing: new Set(names.split('\0').map((name) => name.slice(1))),
    modes: new Map(paths.map((each, at) => [each, words[at] ?? ''])),
  }
}

const MADE = new Set(['', 'etc', 'dev', 'proc', 'sys', '.probe', 'etc/hosts', 'etc/resolv.conf', 'etc/hostname'])

/** Names that only one of two listings has, but for what a container gets from the machine. */
export function differences(ours: Listing, inside: Listing): string[] {
  const counts = (name: string): boolean => !MADE.has(name) && !/^(dev|proc|sys|\.probe)\//.test(name)
  return [
    ...[...ours].filter((name) => counts(name) && !inside.has(name)).map((name) => `only our reader sees ${name}`),
    ...[...inside].filter((name) => counts(name) && !ours.has(name)).map((name) => `only a container sees ${name}`),
  ]
}
