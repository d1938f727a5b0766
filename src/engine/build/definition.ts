import { readFileSync, realpathSync, statSync } from 'node:fs'
import path from 'node:path'
import type { PathFilter } from '../../build/index.ts'
import { type ByteString, errnoOf, fail, fromByteString, type SourceFile } from '../../core/index.ts'
import { createIgnoreMatcher, type IgnoreMatch, parseIgnore } from '../../dockerfile/index.ts'

const LARGEST_DOCKERFILE = 16 << 20
const LARGEST_IGNORE_FILE = 4 << 20

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

/** Where the Dockerfile is: the file that was named, else `Dockerfile` or `dockerfile` in the context. */
export interface FoundDockerfile {
  /** Its path; missing when it was given as text. */
  file?: string
  source: SourceFile
}

/**
 * Reads the Dockerfile. One that is found in the context must lie in it: a symlink that leads out of it is only
 * followed when the user names the file. Fails with `DOCKERFILE_MISSING`, in BuildKit's words.
 */
export function readDockerfile(context: string, named: string | SourceFile | undefined): FoundDockerfile {
  if (typeof named === 'object') return { source: named }
  const name = named ?? 'Dockerfile'
  const candidates =
    named === undefined ? ['Dockerfile', 'dockerfile'].map((file) => path.join(context, file)) : [path.resolve(named)]
  for (const file of candidates) {
    if (named === undefined && leadsOut(context, file)) {
      const problem = `${name} is a symbolic link that leads out of the build context`
      throw fail('DOCKERFILE_MISSING', `failed to read dockerfile: ${problem}`, {
        hint: 'name the file with -f if you want it',
      })
    }
    const text = readText(file, LARGEST_DOCKERFILE)
    if (text === undefined) continue
    return { file, source: { name, text } }
  }
  throw fail('DOCKERFILE_MISSING', `failed to read dockerfile: open ${name}: no such file or directory`, {
    hint: 'name another file with -f, or run the command where the Dockerfile is',
  })
}

/** A file of patterns that keep files out of the build context. */
export interface IgnoreFile {
  filter: PathFilter
  name: string
  /** Whether one of its patterns brings files back. */
  hasExceptions: boolean
}

/** The rules of `<Dockerfile>.dockerignore`, else of `.dockerignore` in the context; `undefined` for none. */
export function readIgnoreFile(context: string, dockerfile: string | undefined): IgnoreFile | undefined {
  const own = dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`]
  for (const file of [...own, path.join(context, '.dockerignore')]) {
    if (leadsOut(context, file)) {
      const problem = `${path.basename(file)} is a symbolic link that leads out of the build context`
      throw fail('DOCKERFILE_MISSING', `failed to read dockerignore: ${problem}`, { hint: 'put a copy in its place' })
    }
    const text = readText(file, LARGEST_IGNORE_FILE)
    if (text === undefined) continue
    const name = path.basename(file)
    const patterns = parseIgnore({ name, text })
    if (patterns.length === 0) return undefined
    return { name, filter: createFilter(patterns), hasExceptions: patterns.some(({ text }) => text.startsWith('!')) }
  }
  return undefined
}

/**
 * Whether a file that lies in the context is a link to one that does not: a context may come from anybody, and what it
 * links to is not theirs to show. Asked before reading it.
 */
function leadsOut(context: string, file: string): boolean {
  try {
    return isWithin(context, realpathSync(path.dirname(file))) && !isWithin(context, realpathSync(file))
  } catch {
    return false // there is nothing to read
  }
}

const isWithin = (context: string, file: string): boolean =>
  `${file}/`.startsWith(context === '/' ? '/' : `${context}/`)

/** Answers for a path follow from the answer for its folder, so each folder is asked once. */
function createFilter(patterns: Parameters<typeof createIgnoreMatcher>[0]): PathFilter {
  const matcher = createIgnoreMatcher(patterns)
  const folders = new Map<string, IgnoreMatch>()
  const matchOf = (path: string): IgnoreMatch => {
    const known = folders.get(path)
    if (known) return known
    const cut = path.lastIndexOf('/')
    const match = matcher.match(path, cut < 0 ? undefined : matchOf(path.slice(0, cut)))
    return match
  }
  const folderMatch = (path: string): IgnoreMatch => {
    const match = matchOf(path)
    folders.set(path, match)
    return match
  }
  return {
    excludes: (bytes: ByteString) => matchOf(fromByteString(bytes)).excluded,
    mayIncludeBelow(bytes: ByteString) {
      const path = fromByteString(bytes)
      return matcher.mayIncludeBelow(path, folderMatch(path))
    },
  }
}

function readText(file: string, limit: number): string | undefined {
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
