import { isIPv6 } from 'node:net'

/** When failed logins slow an address or a user down. Times in milliseconds. */
export interface ThrottleOptions {
  /** Failures that cost nothing. Default 5 for a user, 20 for an address. */
  freePerUser?: number
  freePerAddress?: number
  /** The longest wait. Default one minute for a user, since somebody else may cause it; a quarter of an hour for an address. */
  longestPerUser?: number
  longestPerAddress?: number
  /** The clock. */
  now?: () => number
}

interface Record {
  failures: number
  /** When the last one was. */
  at: number
  /** No attempt counts before. */
  until: number
}

const FORGET_AFTER = 15 * 60_000
const KNOWN_FOR = 24 * 60 * 60_000
const MAX_RECORDS = 20_000

/**
 * Slows down who guesses passwords. After some failures each further one doubles the wait: 1 s, 2 s, 4 s... A user's
 * waits end with a right password, an address's only with time, so that an attacker with an account cannot wipe them out.
 * Where a user logged in from lately, only the address's own failures count: guessing a name locks nobody out.
 */
export class Throttle {
  readonly #records = new Map<string, Record>()
  /** When a user last logged in from an address. */
  readonly #known = new Map<string, number>()
  readonly #free: { user: number; address: number }
  readonly #longest: { user: number; address: number }
  readonly #now: () => number

  constructor(options: ThrottleOptions = {}) {
    this.#free = { user: options.freePerUser ?? 5, address: options.freePerAddress ?? 20 }
    this.#longest = { user: options.longestPerUser ?? 60_000, address: options.longestPerAddress ?? FORGET_AFTER }
    this.#now = options.now ?? Date.now
  }

  /** Seconds to wait before this address may try this user's password: 0 if it may now. */
  wait(address: string, user: string): number {
    const ofUser = this.#isKnown(address, user) ? 0 : (this.#find(userKey(user))?.until ?? 0)
    const until = Math.max(this.#find(addressKey(address))?.until ?? 0, ofUser)
    return Math.max(0, Math.ceil((until - this.#now()) / 1000))
  }

  /** A password of the user is going to be tried; counts as wrong unless `succeeded` follows. */
  tried(user: string): void {
    this.#count(userKey(user), 'user')
  }

  /** Something wrong came from this address. */
  failed(address: string): void {
    this.#count(addressKey(address), 'address')
  }

  /** The password was right; this user may come from this address again, whatever others try meanwhile. */
  succeeded(address: string, user: string): void {
    this.#records.delete(userKey(user))
    const key = pairKey(address, user)
    this.#known.delete(key)
    this.#known.set(key, this.#now())
    if (this.#known.size > MAX_RECORDS) this.#known.delete(this.#known.keys().next().value!)
  }

  #isKnown(address: string, user: string): boolean {
    const at = this.#known.get(pairKey(address, user))
    return at !== undefined && at + KNOWN_FOR > this.#now()
  }

  #find(key: string): Record | undefined {
    const record = this.#records.get(key)
    if (record && Math.max(record.at, record.until) + FORGET_AFTER > this.#now()) return record
    this.#records.delete(key)
    return undefined
  }

  #count(key: string, kind: 'user' | 'address'): void {
    const at = this.#now()
    const failures = (this.#find(key)?.failures ?? 0) + 1
    const beyond = failures - this.#free[kind]
    const wait = beyond <= 0 ? 0 : Math.min(1000 * 2 ** Math.min(beyond - 1, 20), this.#longest[kind])
    this.#records.delete(key)
    this.#records.set(key, { failures, at, until: at + wait })
    // The one that failed longest ago goes: insertion order is order of failure.
    if (this.#records.size > MAX_RECORDS) this.#records.delete(this.#records.keys().next().value!)
  }
}

/** Whoever has an IPv6 address usually has 2^64 of them. */
function addressKey(address: string): string {
  return `address ${isIPv6(address) ? networkOf(address) : address}`
}

function networkOf(address: string): string {
  const [head = '', tail] = address.split('%', 1)[0]!.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  if (tail === undefined) return groups.slice(0, 4).join(':')
  const after = tail.split(':').filter((group) => group !== '')
  const zeros: string[] = Array.from({ length: Math.max(0, 8 - groups.length - after.length) }, () => '0')
  return [...groups, ...zeros, ...after].slice(0, 4).join(':')
}

function pairKey(address: string, user: string): string {
  return `${addressKey(address)} ${userKey(user)}`
}

function userKey(user: string): string {
  return `user ${user.slice(0, 255)}`
}
