import { ROBOT_PREFIX } from './identity.ts'

/** What an htpasswd file says. */
export interface HtpasswdContent {
  /** Hashes by user name. */
  readonly users: ReadonlyMap<string, string>
  /** What is wrong, one sentence a line: `line 3: ...`. */
  readonly problems: readonly string[]
}

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
/** Above it, one login takes this machine most of a minute. */
const MAX_COST = 16
const MIN_COST = 4
const MAX_NAME = 255

const OTHER_HASHES: ReadonlyArray<readonly [prefix: string, name: string]> = [
  ['$apr1$', 'MD5 (htpasswd -m)'],
  ['{SHA}', 'SHA-1 (htpasswd -s)'],
  ['$1$', 'MD5 crypt'],
  ['$5$', 'SHA-256 crypt (htpasswd -2)'],
  ['$6$', 'SHA-512 crypt (htpasswd -5)'],
  ['$argon2', 'Argon2'],
  ['$2x$', 'the defective form of bcrypt'],
]

/**
 * Reads an htpasswd file: `name:hash` a line, empty lines and those that begin with `#` are left out. Only bcrypt is
 * taken, as by Docker's registry; a line that is something else is a problem, and the others count.
 */
export function parseHtpasswd(text: string): HtpasswdContent {
  const users = new Map<string, string>()
  const problems: string[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    const name = colon < 0 ? '' : line.slice(0, colon)
    const hash = line.slice(colon + 1)
    const problem = problemOfName(name, users) ?? problemOfHash(name, hash)
    if (problem === undefined) users.set(name, hash)
    else problems.push(`line ${index + 1}: ${problem}`)
  }
  return { users, problems }
}

/** The cost of a bcrypt hash of such a file: work is 2^cost. */
export function costOf(hash: string): number {
  return Number(BCRYPT.exec(hash)?.[1])
}

function problemOfName(name: string, users: ReadonlyMap<string, string>): string | undefined {
  if (name === '') return 'not of the form user:hash'
  if (name.length > MAX_NAME || /[\x00-\x1f\x7f]/.test(name)) return 'not a name of a user'
  if (name.startsWith(ROBOT_PREFIX)) return `${name}: names that begin with "${ROBOT_PREFIX}" are for robot tokens`
  return users.has(name) ? `${name} is there twice` : undefined
}

function problemOfHash(name: string, hash: string): string | undefined {
  const cost = costOf(hash)
  if (cost >= MIN_COST && cost <= MAX_COST) return undefined
  if (cost > MAX_COST) return `${name}: a bcrypt cost of ${cost} takes too long at each login; at most ${MAX_COST}`
  const kind = OTHER_HASHES.find(([prefix]) => hash.startsWith(prefix))?.[1]
  return `${name}: ${kind ? `hashed with ${kind}, ` : ''}not a bcrypt hash`
}
