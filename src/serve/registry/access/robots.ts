import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { fail } from '../../../core/index.ts'
import type { RegistryDatabase } from '../folder/database.ts'
import type { Pattern } from '../pattern.ts'
import { markOf } from './passwords.ts'
import { parseRepositoryPattern } from './repository-pattern.ts'
import { type Action, parseActions } from './rules.ts'

/** What a robot token is good for. */
export interface RobotScope {
  readonly repository: Pattern
  readonly actions: ReadonlySet<Action>
}

/** An account for a program. Its user name is `robot.` and its name; the secret is its password. Times are Unix milliseconds. */
export interface Robot {
  readonly name: string
  readonly scopes: readonly RobotScope[]
  readonly description: string
  readonly createdAt: number
  readonly expiresAt: number | undefined
  readonly usedAt: number | undefined
  readonly isDisabled: boolean
}

/** A robot that is to be made. */
export interface NewRobot {
  readonly name: string
  readonly scopes: readonly RobotScope[]
  readonly description?: string | undefined
  /** Unix milliseconds; absent for one that never expires. */
  readonly expiresAt?: number | undefined
  readonly by?: string | undefined
}

/** A robot that showed its secret, or a token that it got for it. */
export interface KnownRobot {
  readonly robot: Robot
  /** Another one makes what was issued before void. */
  readonly mark: string
}

interface Row {
  name: string
  secret_hash: string
  rights: string
  description: string
  created_at: number
  expires_at: number | null
  used_at: number | null
  disabled: number
}

/** What begins a secret, so that scanners for leaked secrets can find it. */
const SECRET_PREFIX = 'slipway_robot_'
const NAME = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/
const MAX_NAME = 64
const MAX_SCOPES = 100
const MAX_DESCRIPTION = 500
/** Milliseconds for which a robot is answered from memory: how long a revoked one may live on in another process. */
const REMEMBER = 1000
const MAX_REMEMBERED = 1000
/** Milliseconds by which the time of the last use may lag. */
const USED_EVERY = 60_000

/** Reads what a robot may do: `team/*:pull,push`. Fails with `ACCESS_INVALID`. */
export function parseRobotScope(text: string): RobotScope {
  const colon = text.lastIndexOf(':')
  if (colon < 1) {
    throw fail('ACCESS_INVALID', `invalid scope ${JSON.stringify(text.slice(0, 300))}`, {
      hint: 'A scope is a repository pattern and actions: team/app:pull,push',
    })
  }
  return {
    repository: parseRepositoryPattern(text.slice(0, colon)),
    actions: parseActions(text.slice(colon + 1).split(',')),
  }
}

/** The scope as text. */
export function formatRobotScope({ repository, actions }: RobotScope): string {
  return `${repository.text}:${[...actions].join(',')}`
}

/** The robots of a registry. Several processes may use them at once; a change is seen within a second. */
export class Robots {
  readonly #database: RegistryDatabase
  readonly #now: () => number
  readonly #known = new Map<string, { robot: Robot; secretHash: string; mark: string; until: number }>()

  constructor(database: RegistryDatabase, now: () => number = Date.now) {
    this.#database = database
    this.#now = now
  }

  /** Makes a robot and returns its secret, which is kept nowhere. Fails with `ROBOT_EXISTS`, `ACCESS_INVALID`. */
  async create(robot: NewRobot): Promise<string> {
    checkNew(robot)
    const secret = SECRET_PREFIX + randomBytes(32).toString('base64url')
    const made = this.#database.run(
      `INSERT INTO robots (name, secret_hash, rights, description, created_at, created_by, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
      robot.name,
      hashOf(secret),
      JSON.stringify(robot.scopes.map(formatRobotScope)),
      robot.description ?? '',
      this.#now(),
      robot.by ?? null,
      robot.expiresAt ?? null,
    )
    if (made === 0) {
      throw fail('ROBOT_EXISTS', `there is a robot token named ${robot.name}`, {
        hint: `Choose another name, or remove it first: slipway registry token rm ${robot.name}`,
      })
    }
    await this.#database.durable()
    return secret
  }

  /** All robots by name. */
  list(): Robot[] {
    return this.#database.all<Row>('SELECT * FROM robots ORDER BY name').map(robotOf)
  }

  /** Takes a robot away; what it got tokens for ends with it. Fails with `ROBOT_NOT_FOUND`. */
  async remove(name: string): Promise<void> {
    this.#known.delete(name)
    if (this.#database.run('DELETE FROM robots WHERE name = ?', name) === 0) {
      throw fail('ROBOT_NOT_FOUND', `No such robot token: ${name}`)
    }
    await this.#database.durable()
  }

  /** The robot with this secret, if it may still be used. */
  prove(name: string, secret: string): KnownRobot | undefined {
    const found = this.#find(name)
    // An unknown name costs as much: the secret is compared with a hash of nothing.
    const fits = timingSafeEqual(Buffer.from(hashOf(secret)), Buffer.from(found?.secretHash ?? hashOf('')))
    if (!found || !fits || !this.#isUsable(found.robot)) return undefined
    this.#used(found.robot)
    return found
  }

  /** The robot that a token with this mark was issued to, if it may still be used. */
  recall(name: string, mark: string | undefined): Robot | undefined {
    const found = this.#find(name)
    if (!found || found.mark !== mark || !this.#isUsable(found.robot)) return undefined
    this.#used(found.robot)
    return found.robot
  }

  #isUsable({ isDisabled, expiresAt }: Robot): boolean {
    return !isDisabled && (expiresAt === undefined || expiresAt > this.#now())
  }

  #find(name: string): { robot: Robot; secretHash: string; mark: string } | undefined {
    if (name.length > MAX_NAME) return undefined
    const known = this.#known.get(name)
    if (known && known.until > this.#now()) return known
    this.#known.delete(name)
    const row = this.#database.get<Row>('SELECT * FROM robots WHERE name = ?', name)
    if (!row) return undefined
    const mark = markOf(row.secret_hash)
    const found = { robot: robotOf(row), secretHash: row.secret_hash, mark, until: this.#now() + REMEMBER }
    this.#known.set(name, found)
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!)
    return found
  }

  #used({ name, usedAt }: Robot): void {
    const now = this.#now()
    if (usedAt !== undefined && usedAt + USED_EVERY > now) return
    this.#database.run('UPDATE robots SET used_at = ? WHERE name = ?', now, name)
    this.#known.delete(name)
  }
}

function checkNew({ name, scopes, description = '' }: NewRobot): void {
  if (!NAME.test(name) || name.length > MAX_NAME) {
    throw fail('ACCESS_INVALID', `invalid name of a robot token: ${JSON.stringify(name.slice(0, 100))}`, {
      hint: `At most ${MAX_NAME} small letters and digits, with dots, underscores and dashes between them.`,
    })
  }
  if (scopes.length === 0 || scopes.length > MAX_SCOPES) {
    throw fail('ACCESS_INVALID', `a robot token has between 1 and ${MAX_SCOPES} scopes, not ${scopes.length}`)
  }
  if (description.length > MAX_DESCRIPTION) {
    throw fail('ACCESS_INVALID', `a description has at most ${MAX_DESCRIPTION} characters`)
  }
}

function robotOf(row: Row): Robot {
  return {
    name: row.name,
    scopes: (JSON.parse(row.rights) as string[]).map(parseRobotScope),
    description: row.description,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    usedAt: row.used_at ?? undefined,
    isDisabled: row.disabled !== 0,
  }
}

function hashOf(secret: string): string {
  return hash('sha256', secret, 'hex')
}
