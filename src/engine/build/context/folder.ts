import { readFileSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'
import { FileDigests, FolderSource } from '../../../build/index.ts'
import { errnoOf, fail } from '../../../core/index.ts'
import type { Store } from '../../../store/index.ts'
import { type Ignore, readIgnore } from './ignore.ts'
import type { OpenContext } from './open-context.ts'

/** The context folder, absolute. Fails with `CONTEXT_MISSING`, in Docker's words. */
export function contextFolder(given: string): string {
  const folder = path.resolve(given)
  const stat = statSync(folder, { throwIfNoEntry: false })
  if (!stat) throw fail('CONTEXT_MISSING', `unable to prepare context: path "${given}" not found`)
  if (!stat.isDirectory()) {
    throw fail('CONTEXT_MISSING', `unable to prepare context: context must be a directory: ${given}`)
  }
  return realpathSync(folder)
}

/** A folder of the user's as a context. `where` says for messages what it is: "in the build context". */
export function openFolder(store: Store, folder: string, where: string): OpenContext {
  const digests = new FileDigests(store.memos, folder)
  return {
    folder,
    files(ignore) {
      const place = ignore ? `${where} (see ${ignore.name})` : where
      return new FolderSource(folder, { digests, where: place, ...(ignore ? { filter: ignore.filter } : {}) })
    },
    save: () => digests.save(),
  }
}

const LARGEST_IGNORE_FILE = 4 << 20

/**
 * The rules of `<Dockerfile>.dockerignore`, else of `.dockerignore` in the folder, else of `.containerignore`;
 * `undefined` for none.
 */
export function readIgnoreFile(folder: string, dockerfile?: string): (Ignore & { file: string }) | undefined {
  for (const file of ignoreFiles(folder, dockerfile)) {
    if (leadsOut(folder, file)) {
      const problem = `${path.basename(file)} is a symbolic link that leads out of the build context`
      throw fail('DOCKERFILE_MISSING', `failed to read dockerignore: ${problem}`, { hint: 'put a copy in its place' })
    }
    const text = readText(file, LARGEST_IGNORE_FILE)
    if (text === undefined) continue
    const ignore = readIgnore({ name: path.basename(file), text })
    return ignore && { ...ignore, file }
  }
  return undefined
}

/** Where rules are looked for, the first file that is there counts. */
export function ignoreFiles(folder: string, dockerfile?: string): string[] {
  const own = dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]
  return [...own, path.join(folder, '.dockerignore'), path.join(folder, '.containerignore')]
}

/**
 * Whether a file that lies in the folder is a link to one that does not: a context may come from anybody, and what it
 * links to is not theirs to show. Asked before reading it.
 */
export function leadsOut(folder: string, file: string): boolean {
  try {
    return isWithin(folder, realpathSync(path.dirname(file))) && !isWithin(folder, realpathSync(file))
  } catch {
    return false // there is nothing to read
  }
}

const isWithin = (folder: string, file: string): boolean => `${file}/`.startsWith(folder === '/' ? '/' : `${folder}/`)

/** A text file; `undefined` when it is not there, or is no file. Fails with `FILE_TOO_LARGE`. */
export function readText(file: string, limit: number): string | undefined {
  try {
    const stat = statSync(file)
    if (!stat.isFile()) return undefined
    if (stat.size > limit) throw fail('FILE_TOO_LARGE', `${path.basename(file)} is larger than ${limit} bytes`)
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}
