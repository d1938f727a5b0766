import { hash, randomBytes } from 'node:crypto'
import { readFileSync, type Stats, statSync } from 'node:fs'
import { createLimit, fail, messageOf } from '../../../core/index.ts'
import { costOf, type HtpasswdContent, parseHtpasswd } from './htpasswd.ts'

/** How an htpasswd file is kept. */
export interface PasswordOptions {
  /** Told when the file changed and part of it, or all, cannot be used. */
  onProblem?: (message: string) => void
  /** The clock, in milliseconds. */
  now?: () => number
}

interface User {
  readonly hash: string
  readonly mark: string
}

interface Judgement {
  isRight: Promise<boolean> | boolean
  until: number
}

/** Milliseconds between two looks at the file. */
const LOOK_EVERY = 1000
/** Milliseconds for which a judgement is remembered. */
const REMEMBER = 5 * 60_000
const MAX_REMEMBERED = 10_000
const MAX_FILE = 16 * 1024 * 1024
/** bcrypt is meant to be slow, and the threads it uses are those that files are read with. */
const AT_ONCE = 2
const MAX_WAITING = 100
const DEFAULT_COST = 10

/**
 * The users of an htpasswd file. The file is looked at again once a second while it is used. A password is compared on
 * another thread, and its judgement remembered for five minutes under a keyed hash (a right one for as long as it is
 * used), so that requests stay cheap; another hash in the file makes it forgotten. A user that does not exist takes as
 * long as one that does.
 */
export class Passwords {
  readonly #file: string
  readonly #options: PasswordOptions
  readonly #now: () => number
  readonly #limit = createLimit(AT_ONCE)
  readonly #secret = randomBytes(32).toString('base64')
  readonly #judged = new Map<string, Judgement>()
  #users: ReadonlyMap<string, User> = new Map()
  #decoy = decoyHash(DEFAULT_COST)
  #seen = ''
  #nextLook = 0
  #underWay = 0

  /** Fails with `HTPASSWD_INVALID` when the file cannot be read or a line of it cannot be used. */
  constructor(file: string, options: PasswordOptions = {}) {
    this.#file = file
    this.#options = options
    this.#now = options.now ?? Date.now
    const { users, problems } = this.#read()
    if (problems.length > 0) throw this.#unusable(problems)
    this.#use(users)
  }

  /** What changes when the user's password does: a hash of its hash. `undefined` if there is no such user. */
  mark(name: string): string | undefined {
    this.#look()
    return this.#users.get(name)?.mark
  }

  /** How this very password was judged a short while ago. */
  judged(name: string, password: string): Promise<boolean> | boolean | undefined {
    this.#look()
    const known = this.#judged.get(this.#keyOf(name, password))
    if (known === undefined || known.until <= this.#now()) return undefined
    if (known.isRight === true) known.until = this.#now() + REMEMBER
    return known.isRight
  }

  /** Whether so many passwords wait to be judged that another one cannot. */
  get isBusy(): boolean {
    return this.#underWay >= MAX_WAITING
  }

  /** Whether it is the user's password. Work of some 50 ms and more on another thread, however it ends. */
  judge(name: string, password: string): Promise<boolean> {
    this.#look()
    const key = this.#keyOf(name, password)
    const judgement = { isRight: this.#compare(this.#users.get(name)?.hash, password), until: this.#now() + REMEMBER }
    this.#judged.delete(key)
    this.#judged.set(key, judgement)
    if (this.#judged.size > MAX_REMEMBERED) this.#judged.delete(this.#judged.keys().next().value!)
    return this.#settle(key, judgement)
  }

  async #settle(key: string, judgement: Judgement): Promise<boolean> {
    try {
      const isRight = await judgement.isRight
      judgement.isRight = isRight
      return isRight
    } catch (error) {
      this.#judged.delete(key)
      throw error
    }
  }

  async #compare(hash: string | undefined, password: string): Promise<boolean> {
    this.#underWay++
    try {
      const { default: bcrypt } = await import('bcrypt')
      const fits = await this.#limit(() => bcrypt.compare(password, asBcrypt(hash ?? this.#decoy)))
      return hash !== undefined && fits
    } finally {
      this.#underWay--
    }
  }

  #keyOf(name: string, password: string): string {
    const user = this.#users.get(name)
    // One-shot hashing behind a secret of fixed length: a tenth of the time of an HMAC object, and nobody sees the result.
    return hash('sha256', `${this.#secret}${JSON.stringify([name, user?.mark, password])}`, 'base64')
  }

  #look(): void {
    if (this.#now() < this.#nextLook) return
    this.#nextLook = this.#now() + LOOK_EVERY
    try {
      if (stampOf(statSync(this.#file)) === this.#seen) return
      const { users, problems } = this.#read()
      if (problems.length > 0) this.#options.onProblem?.(this.#unusable(problems).message)
      this.#use(users)
    } catch (error) {
      // The users that were known stay: an editor that is replacing the file locks nobody out.
      if (this.#seen !== 'unreadable') this.#options.onProblem?.(`${messageOf(error)}; its users stay as they were`)
      this.#seen = 'unreadable'
    }
  }

  #read(): HtpasswdContent {
    try {
      const stat = statSync(this.#file)
      if (stat.size > MAX_FILE) return { users: new Map(), problems: ['larger than 16 MiB'] }
      this.#seen = stampOf(stat)
      return parseHtpasswd(readFileSync(this.#file, 'utf8'))
    } catch (error) {
      throw fail('HTPASSWD_INVALID', `cannot read ${this.#file}: ${messageOf(error)}`, { cause: error })
    }
  }

  #use(users: ReadonlyMap<string, string>): void {
    this.#users = new Map([...users].map(([name, hash]) => [name, { hash, mark: markOf(hash) }]))
    const costs = [...users.values()].map(costOf)
    this.#decoy = decoyHash(costs.length === 0 ? DEFAULT_COST : Math.max(...costs))
  }

  #unusable(problems: readonly string[]): Error {
    const shown = problems.slice(0, 20).map((problem) => `\n  ${problem}`)
    const more = problems.length > 20 ? `\n  and ${problems.length - 20} more` : ''
    return fail('HTPASSWD_INVALID', `${this.#file} cannot be used:${shown.join('')}${more}`, {
      hint: 'Make lines with "htpasswd -nB USER": only bcrypt is accepted.',
    })
  }
}

function stampOf({ mtimeMs, ctimeMs, size, ino }: Stats): string {
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
}

/** A short hash of a secret's hash: tells that it changed, and nothing about it. */
export function markOf(secretHash: string): string {
  return hash('sha256', secretHash, 'base64url').slice(0, 22)
}

/** A hash that no password is known for, with the same work as those of the users. */
function decoyHash(cost: number): string {
  const tail = randomBytes(53).toString('base64').replaceAll('+', '.').slice(0, 50)
  return `$2b$${String(cost).padStart(2, '0')}$${tail.slice(0, 21)}O${tail.slice(21, 50)}uu`
}

/** Apache writes `$2y$` for what the library knows as `$2b$`, and takes for no hash otherwise. */
function asBcrypt(hash: string): string {
  return hash.replace(/^\$2y\$/, '$2b$')
}
