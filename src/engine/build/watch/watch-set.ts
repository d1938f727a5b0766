import path from 'node:path'
import type { ContextUse } from '../../../build/index.ts'
import { byteStringToBuffer, digestOf, fromByteString, hasCode, type Job, toByteString } from '../../../core/index.ts'
import type { BuildContexts } from '../context/contexts.ts'
import { ignoreFiles, readText } from '../context/folder.ts'
import type { Definition } from '../definition.ts'
import { RecordingSource } from './recording-source.ts'

/** A file that is not what it was. */
export interface FileChange {
  /** Relative to the working directory where that is shorter. */
  path: string
  kind: 'added' | 'changed' | 'removed'
}

/** What counted for a build at one moment. */
export interface Snapshot {
  /** By absolute path, all that the build depends on of it: kind, mode, content. */
  files: ReadonlyMap<string, string>
  /** Where files were looked for: a new one there may count. Bytes of absolute paths, one character per byte. */
  folders: ReadonlySet<string>
}

const LARGEST = 16 << 20

/** The files that a build depends on: those that its steps select of folders, the Dockerfile, the rules and the lock. */
export class WatchSet {
  readonly #contexts: BuildContexts
  readonly #uses: readonly ContextUse[]
  readonly #single: readonly string[]

  constructor({ file, contexts }: Definition, uses: readonly ContextUse[]) {
    this.#contexts = contexts
    this.#uses = uses
    const folder = contexts.folder('context')
    const named = [...new Set(uses.map(({ context }) => contexts.folder(context)))].filter((each) => each !== folder)
    this.#single = [
      ...(file === undefined ? [] : [file, `${file}.lock`]),
      ...(folder === undefined ? [] : ignoreFiles(folder, file)),
      ...named.flatMap((each) => (each === undefined ? [] : ignoreFiles(each))),
    ]
  }

  async snapshot(job: Job): Promise<Snapshot> {
    const files = new Map<string, string>()
    const folders = new Set<string>()
    for (const file of this.#single) {
      const text = readText(file, LARGEST)
      folders.add(toByteString(path.dirname(file)))
      if (text !== undefined) files.set(file, digestOf(text))
    }
    for (const use of this.#uses) await this.#add(use, { files, folders }, job)
    return { files, folders }
  }

  async #add(use: ContextUse, to: { files: Map<string, string>; folders: Set<string> }, job: Job): Promise<void> {
    const root = this.#contexts.folder(use.context)
    if (root === undefined) return
    const source = new RecordingSource(await this.#contexts.get(use.context, 'watch', { ...job, progress: () => {} }))
    try {
      for (const { entry } of use.select(source)) {
        const content = entry.kind === 'file' ? await source.digest(entry, job) : (entry.link ?? '')
        to.files.set(path.join(root, fromByteString(entry.path)), `${entry.kind} ${entry.mode} ${content}`)
      }
    } catch (error) {
      // the build says what is wrong, and a file that comes back is seen
      if (!hasCode(error, 'COPY_SOURCE_MISSING', 'CONTEXT_CHANGED', 'SYMLINK_LOOP')) throw error
    }
    for (const folder of source.folders) to.folders.add(path.posix.join(toByteString(root), folder))
  }
}

/** What differs between two moments, sorted. A folder is not told of when something in it is. */
export function compareSnapshots(before: Snapshot, after: Snapshot): FileChange[] {
  const paths = [...new Set([...before.files.keys(), ...after.files.keys()])].sort()
  const differ = paths.filter((each) => before.files.get(each) !== after.files.get(each))
  const told = differ.filter((each, at) => !differ[at + 1]?.startsWith(`${each}/`))
  return told.map((each) => {
    const kind = !before.files.has(each) ? 'added' : after.files.has(each) ? 'changed' : 'removed'
    return { path: shortest(each), kind }
  })
}

function shortest(file: string): string {
  const relative = path.relative(process.cwd(), file)
  return relative.length < file.length && relative !== '' ? relative : file
}

/** The path of a watched folder, as the system wants it. */
export const folderPath = (folder: string): Buffer =>
  byteStringToBuffer(folder as Parameters<typeof byteStringToBuffer>[0])
