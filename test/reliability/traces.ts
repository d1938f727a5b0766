/** What commands over a store may leave in this machine: processes, mounts, control groups, runtime folders. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Where everything of a store lies that does not outlive a reboot. */
export function runtimeFolder(root: string): string {
  return path.join('/run/slipway', nameOf(root))
}

function nameOf(root: string): string {
  return createHash('sha256').update(root).digest('hex').slice(0, 12)
}

/** A process and those that it started, and so on. */
export function descendantsOf(pid: number): number[] {
  const found = [pid]
  for (const each of found) found.push(...childrenOf(each))
  return found
}

function childrenOf(pid: number): number[] {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    const lists = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8'))
    return lists.flatMap((list) =>
      list
        .split(' ')
        .filter((word) => word !== '')
        .map(Number),
    )
  } catch {
    return []
  }
}

/** The arguments of a process, for telling which one it is. */
export function commandOf(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ')
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return ''
  }
}

/** Processes that know a store by its path, and mounts of it that anyone has. */
export function tracesOf(root: string): string[] {
  const places = [root, runtimeFolder(root)]
  const pids = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
  return pids
    .filter((pid) => pid !== process.pid && !/\) Z /.test(readProc(pid, 'stat')))
    .flatMap((pid) => {
      const named = places.some(
        (place) => mentions(readProc(pid, 'environ'), place) || mentions(readProc(pid, 'cmdline'), place),
      )
      const mounts = readProc(pid, 'mountinfo')
        .split('\n')
        .filter((line) => places.some((place) => mentions(line, place)))
      const what = commandOf(pid).slice(0, 100)
      return [
        ...(named ? [`process ${pid}: ${what}`] : []),
        ...mounts.map((line) => `mount of ${pid} (${what}): ${line.slice(0, 120)}`),
      ]
    })
}

/** Whether a text holds a path, and not only the beginning of a longer name. */
function mentions(text: string, place: string): boolean {
  for (let at = text.indexOf(place); at >= 0; at = text.indexOf(place, at + 1)) {
    if (!/[\w.-]/.test(text[at + place.length] ?? '')) return true
  }
  return false
}

/** What dies on its own does so in a moment: waits for it, and tells what is still there then. */
export async function tracesAfter(root: string, milliseconds = 5000): Promise<string[]> {
  const end = performance.now() + milliseconds
  for (;;) {
    const traces = tracesOf(root)
    if (traces.length === 0 || performance.now() > end) return traces
    await sleep(50)
  }
}

/** Control groups and runtime folders of a store that are not empty shells. */
export function runtimeLeftovers(root: string): string[] {
  const mount = '/sys/fs/cgroup'
  const hierarchies = ['', ...(existsSync(mount) ? readdirSync(mount) : [])]
  const groups = hierarchies.flatMap((name) => namesIn(path.join(mount, name, 'slipway', nameOf(root)), true))
  const runtime = runtimeFolder(root)
  const folders = [
    ...namesIn(runtime).filter((name) => name.startsWith('build-')),
    ...namesIn(path.join(runtime, 'c')),
    ...namesIn(path.join(runtime, 'runtime')),
  ]
  const locks = namesIn(path.join(runtime, 'locks'))
  return [
    ...new Set(groups.map((name) => `control group ${name}`)),
    ...folders.map((name) => `runtime folder ${name}`),
    ...locks.map((name) => `lock ${name}`),
  ]
}

function namesIn(folder: string, foldersOnly = false): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => !foldersOnly || entry.isDirectory()).map((entry) => entry.name)
  } catch {
    return []
  }
}
