import { type FSWatcher, watch } from 'node:fs'
import { type ByteString, errnoOf, fail, fromByteString } from '../../../core/index.ts'
import { folderPath } from './watch-set.ts'

/** Milliseconds of quiet after an event, and how long a stream of events is waited for. */
const QUIET = 100
const LONGEST = 1000

/** Tells when something happened in any of some folders. Not what: whoever asks looks for himself. */
export class FolderWatcher implements Disposable {
  readonly #watchers = new Map<string, FSWatcher>()
  #happened = false
  #wake: (() => void) | undefined

  /** From now on these folders are watched, and no others. One that is not there is passed over. */
  watch(folders: ReadonlySet<string>): void {
    for (const [folder, watcher] of this.#watchers) {
      if (folders.has(folder)) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#add(folder)
  }

  /** Resolves when something has happened since the last call, and it is quiet again; or when the signal is given. */
  async next(signal: AbortSignal | undefined): Promise<void> {
    if (!this.#happened) await this.#event(signal)
    const latest = performance.now() + LONGEST
    do {
      this.#happened = false
      await pause(QUIET, signal)
    } while (this.#happened && performance.now() < latest && !signal?.aborted)
    this.#happened = false
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #add(folder: string): void {
    const event = (): void => {
      this.#happened = true
      this.#wake?.()
    }
    try {
      const watcher = watch(folderPath(folder), { persistent: true }, event)
      // a folder that went away is told of by the one it was in
      watcher.on('error', () => {
        watcher.close()
        this.#watchers.delete(folder)
        event()
      })
      this.#watchers.set(folder, watcher)
    } catch (error) {
      const name = errnoOf(error) ?? ''
      if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(name)) return
      if (!['ENOSPC', 'EMFILE'].includes(name)) throw error
      throw fail(
        'WATCH_FAILED',
        `cannot watch ${fromByteString(folder as ByteString)}: the system's limit is reached`,
        {
          hint: 'Exclude what the build does not need with .dockerignore, or raise fs.inotify.max_user_watches.',
          cause: error,
        },
      )
    }
  }

  #event(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#wake = undefined
        signal?.removeEventListener('abort', done)
        resolve()
      }
      this.#wake = done
      if (signal?.aborted) done()
      else signal?.addEventListener('abort', done)
    })
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds)
    function done(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    if (signal?.aborted) done()
    else signal?.addEventListener('abort', done)
  })
}
