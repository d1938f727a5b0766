import { fail, parseGoBool } from '../../core/index.ts'

/** What a text says that names a git repository, and which part of it. */
export interface GitReference {
  /** Where it is, as written, without fragment and query. May hold a user name and password. */
  remote: string
  /** Branch, tag, full ref name or commit; the default branch when missing. */
  ref?: string
  /** Only this folder, which becomes the root. */
  subdir?: string
  /** The first letters of the commit's name at least, which the commit must have. */
  checksum?: string
  keepGitDir?: boolean
  submodules?: boolean
  /** The time of files: of the commit, or of their fetching. */
  mtime?: 'checkout' | 'commit'
  /** Fetch the commit of `checksum`, whatever `ref` says. */
  fetchByCommit?: boolean
  /** `github.com/...`: for a build context it means a repository, for ADD a local path. */
  mayBeLocal?: boolean
}

const SCP_STYLE = /^([\w-]+@[a-zA-Z0-9.-]+:[^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s
const URL_STYLE = /^((https?|ssh|git):\/\/[^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is
const GITHUB_STYLE = /^(github\.com\/[^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s

/**
 * Reads `https://host/x.git`, `git@host:x`, `ssh://`, `git://` and `github.com/x`, each with `#ref:folder` or a query of
 * what is wanted. `undefined` for what is no git repository: an HTTP address is only one when its path ends with `.git`.
 * Fails with `GIT_URL_INVALID` for a query that BuildKit does not know, or that contradicts itself.
 */
export function parseGitUrl(text: string): GitReference | undefined {
  const github = GITHUB_STYLE.exec(text)
  if (github) return { ...wanted(text, github[2], github[3]), remote: `https://${github[1]}`, mayBeLocal: true }
  const url = URL_STYLE.exec(text)
  if (url) {
    if (/^http/i.test(url[2]!) && !pathOf(url[1]!).endsWith('.git')) return undefined
    return { ...wanted(text, url[3], url[4]), remote: url[1]! }
  }
  const scp = SCP_STYLE.exec(text)
  return scp ? { ...wanted(text, scp[2], scp[3]), remote: scp[1]! } : undefined
}

/** Whether a text is the address of a remote alone, in a form that goes over the network. */
export function isRemote(text: string): boolean {
  return !/[\0-\x20?#]|^-|:\/\/-|[@:]-/.test(text) && (SCP_STYLE.exec(text) ?? URL_STYLE.exec(text))?.[1] === text
}

function pathOf(url: string): string {
  const start = url.indexOf('/', url.indexOf('://') + 3)
  return start < 0 ? '' : url.slice(start)
}

type Wanted = Omit<GitReference, 'remote'>

function wanted(text: string, query: string | undefined, fragment: string | undefined): Wanted {
  const [ref, subdir] = cutOnce(fragment ?? '', ':')
  const result: Wanted = {}
  if (ref !== '') result.ref = ref
  if (subdir !== undefined && subdir !== '') result.subdir = subdir
  try {
    for (const [key, value] of queryOf(query ?? '')) apply(result, key, value)
  } catch (error) {
    if (!(error instanceof QueryError)) throw error
    throw fail('GIT_URL_INVALID', `${error.message} in ${withoutPassword(text)}`, {
      hint: 'Known are ref, tag, branch, subdir, checksum, commit, keep-git-dir, submodules, mtime and fetch-by-commit.',
    })
  }
  return result
}

class QueryError extends Error {}

function queryOf(query: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const [key, value] of new URLSearchParams(query)) {
    if (found.has(key)) throw new QueryError(`query "${key}" has multiple values`)
    found.set(key, value)
  }
  if (found.has('tag') && found.has('branch')) throw new QueryError('branch conflicts with tag')
  return found
}

function apply(result: Wanted, key: string, value: string): void {
  const only = (name: 'ref' | 'subdir' | 'checksum', given: string): void => {
    const before = result[name]
    if (given === '') throw new QueryError(`query "${key}" has no value`)
    if (before !== undefined && before !== given) {
      throw new QueryError(`${name} conflicts: "${before}" vs "${given}"`)
    }
    result[name] = given
  }
  if (key === 'ref' || key === 'subdir') only(key, value)
  else if (key === 'tag') only('ref', qualified('refs/tags/', value))
  else if (key === 'branch') only('ref', qualified('refs/heads/', value))
  else if (key === 'checksum' || key === 'commit') only('checksum', value)
  else if (key === 'keep-git-dir') result.keepGitDir = booleanOf(key, value)
  else if (key === 'submodules') result.submodules = booleanOf(key, value)
  else if (key === 'fetch-by-commit') result.fetchByCommit = booleanOf(key, value)
  else if (key === 'mtime') {
    if (value !== 'checkout' && value !== 'commit') throw new QueryError(`invalid mtime value: "${value}"`)
    result.mtime = value
  } else throw new QueryError(`unexpected query "${key}"`)
}

const qualified = (prefix: string, name: string): string =>
  name === '' || name.startsWith(prefix) ? name : `${prefix}${name}`

/** Nothing at all means yes. */
function booleanOf(key: string, value: string): boolean {
  const truth = value === '' || parseGoBool(value)
  if (truth === undefined) throw new QueryError(`invalid ${key} value: "${value}"`)
  return truth
}

function cutOnce(text: string, mark: string): [string, string | undefined] {
  const at = text.indexOf(mark)
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)]
}

/** Whether a text is the whole name of a commit, in SHA-1 or SHA-256. */
export const isCommit = (text: string): boolean => /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)

/** The address without user name and password. */
export const withoutPassword = (remote: string): string => remote.replace(/^(\w+:\/\/)[^/@]*@/, '$1')

/** The host that a remote is on, with its port when it names one. */
export function hostOf(remote: string): string {
  const match = /^\w+:\/\/(?:[^/@]*@)?([^/?#]*)/.exec(remote) ?? /^[^@/]*@([^:/]+):/.exec(remote)
  return match?.[1] ?? ''
}
