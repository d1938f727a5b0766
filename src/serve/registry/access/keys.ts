import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fail, messageOf } from '../../../core/index.ts'
import { syncFolder } from '../../../host/index.ts'

/** A key that tokens are signed with (ES256) and its name in them. */
export interface SigningKey {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** Unix milliseconds. */
  readonly madeAt: number
}

const DAY = 24 * 60 * 60_000
/** A new key is made when the newest is older. */
const SIGN_FOR = 90 * DAY
/** Longer than anything that a key has signed is good for: `SIGN_FOR` and the life of a refresh token. */
const KEEP_FOR = 200 * DAY
const SUFFIX = '.pem'

/**
 * The keys of a folder, one PKCS#8 file each, readable by their owner only. The newest signs; the others are still
 * accepted, so that nobody is logged out when a key is replaced. Taking a file away ends everything it has signed.
 */
export class SigningKeys {
  readonly #keys: ReadonlyMap<string, SigningKey>
  /** The key to sign with. */
  readonly current: SigningKey

  /** Makes the folder and a key if need be, and removes keys that nothing can be signed with any more. Fails with `ACCESS_INVALID`. */
  constructor(folder: string, now: number = Date.now()) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const keys = readKeys(folder).sort((a, b) => b.madeAt - a.madeAt)
    const newest = keys[0]
    const current = newest && newest.madeAt > now - SIGN_FOR ? newest : makeKey(folder)
    for (const old of keys.filter((key) => key.madeAt < now - KEEP_FOR)) rmSync(path.join(folder, old.kid + SUFFIX))
    this.current = current
    this.#keys = new Map([current, ...keys.filter((key) => key.madeAt >= now - KEEP_FOR)].map((key) => [key.kid, key]))
  }

  find(kid: string): SigningKey | undefined {
    return this.#keys.get(kid)
  }
}

function makeKey(folder: string): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const kid = kidOf(publicKey)
  const file = path.join(folder, kid + SUFFIX)
  const temporary = `${file}.${process.pid}.tmp`
  writeFileSync(temporary, privateKey.export({ type: 'pkcs8', format: 'pem' }), {
    mode: 0o600,
    flag: 'wx',
    flush: true,
  })
  chmodSync(temporary, 0o600)
  renameSync(temporary, file)
  syncFolder(folder)
  return { kid, privateKey, publicKey, madeAt: Date.now() }
}

function readKeys(folder: string): SigningKey[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(SUFFIX))
    .map((name) => readKey(path.join(folder, name)))
}

function readKey(file: string): SigningKey {
  const stat = statSync(file)
  if ((stat.mode & 0o077) !== 0) {
    throw fail('ACCESS_INVALID', `the key ${file} can be read by others than its owner`, {
      hint: `Remove it, since somebody may have copied it: a new one is made. If nobody has: chmod 600 ${file}`,
    })
  }
  try {
    const privateKey = createPrivateKey(readFileSync(file))
    const publicKey = createPublicKey(privateKey)
    if (privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
      throw new TypeError('not a key of the curve P-256')
    return { kid: path.basename(file, SUFFIX), privateKey, publicKey, madeAt: stat.mtimeMs }
  } catch (error) {
    throw fail('ACCESS_INVALID', `cannot use the key ${file}: ${messageOf(error)}`, { cause: error })
  }
}

function kidOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 32)
}
