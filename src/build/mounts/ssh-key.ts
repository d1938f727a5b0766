import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fail } from '../../core/index.ts'

/** A private key with the form in which its public half travels. */
export interface SshKey {
  /** `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256` ... */
  kind: string
  /** The public key (RFC 4253, section 6.6; RFC 5656; RFC 8709). */
  blob: Buffer
  comment: string
  key: KeyObject
}

const LARGEST = 1 << 20
const MAGIC = 'openssh-key-v1\0'
const CURVES = new Map([
  ['nistp256', { crv: 'P-256', hash: 'sha256' }],
  ['nistp384', { crv: 'P-384', hash: 'sha384' }],
  ['nistp521', { crv: 'P-521', hash: 'sha512' }],
])

/** Reads a file of a private key, as OpenSSH or as PEM has it. Fails with `SECRET_INVALID`; one with a passphrase is refused. */
export function readSshKey(file: string): SshKey {
  const text = readFileSync(file)
  if (text.length > LARGEST) throw invalid(file, 'it is too large')
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]*)-----END/.exec(text.toString('latin1'))?.[1]
  try {
    if (body !== undefined) return fromOpenSsh(Buffer.from(body, 'base64'), file)
    const key = createPrivateKey(text)
    return { ...publicOf(key), comment: file, key }
  } catch (error) {
    if (error instanceof RangeError) throw invalid(file, 'it is damaged')
    if ((error as { code?: string }).code === 'ERR_MISSING_PASSPHRASE') throw invalid(file, 'it has a passphrase')
    if ((error as { code?: string }).code?.startsWith('ERR_')) throw invalid(file, 'ssh: no key found')
    throw error
  }
}

/** All keys as the answer to a request for identities lists them. */
export function listKeys(keys: readonly SshKey[]): Buffer {
  const count = Buffer.alloc(4)
  count.writeUInt32BE(keys.length)
  return Buffer.concat([count, ...keys.flatMap(({ blob, comment }) => [string(blob), string(Buffer.from(comment))])])
}

/** Answers a request to sign: the public key, the data and flags; `undefined` for a key that is not among `keys`. */
export function signWith(keys: readonly SshKey[], request: Buffer): Buffer | undefined {
  const reader = new Reader(request)
  const blob = reader.string()
  const data = reader.string()
  const flags = reader.uint32()
  const found = keys.find((key) => key.blob.equals(blob))
  return found && string(signature(found, data, flags))
}

/** RSA keys sign with what the flags ask for (RFC 8332), SHA-1 where they ask for nothing. */
function signature({ kind, key }: SshKey, data: Buffer, flags: number): Buffer {
  if (kind === 'ssh-rsa') {
    const [algorithm, name] =
      flags & 4 ? ['sha512', 'rsa-sha2-512'] : flags & 2 ? ['sha256', 'rsa-sha2-256'] : ['sha1', kind]
    return Buffer.concat([string(Buffer.from(name!)), string(sign(algorithm!, data, key))])
  }
  const curve = CURVES.get(kind.replace('ecdsa-sha2-', ''))
  if (!curve) return Buffer.concat([string(Buffer.from(kind)), string(sign(null, data, key))])
  const raw = sign(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' })
  const half = raw.length / 2
  const parts = Buffer.concat([integer(raw.subarray(0, half)), integer(raw.subarray(half))])
  return Buffer.concat([string(Buffer.from(kind)), string(parts)])
}

/** The format of OpenSSH's PROTOCOL.key, without encryption. */
function fromOpenSsh(bytes: Buffer, file: string): SshKey {
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) throw invalid(file, 'ssh: no key found')
  const outer = new Reader(bytes.subarray(MAGIC.length))
  const cipher = outer.string().toString()
  outer.string()
  outer.string()
  if (cipher !== 'none') throw invalid(file, 'it has a passphrase')
  if (outer.uint32() !== 1) throw invalid(file, 'it holds more than one key')
  const blob = outer.string()
  const inner = new Reader(outer.string())
  const [check, again] = [inner.uint32(), inner.uint32()]
  if (check !== again) throw invalid(file, 'it is damaged')
  const kind = inner.string().toString()
  const key = keyOf(kind, inner, file)
  return { kind, blob, key, comment: inner.string().toString() }
}

function keyOf(kind: string, reader: Reader, file: string): KeyObject {
  const field = (): string => unsigned(reader.string()).toString('base64url')
  if (kind === 'ssh-ed25519') {
    const x = reader.string().toString('base64url')
    const d = reader.string().subarray(0, 32).toString('base64url')
    return createPrivateKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x, d } })
  }
  if (kind === 'ssh-rsa') {
    const [n, e, d, qi, p, q] = [field(), field(), field(), field(), field(), field()]
    const [dp, dq] = [exponent(d, p), exponent(d, q)]
    return createPrivateKey({ format: 'jwk', key: { kty: 'RSA', n, e, d, p, q, dp, dq, qi } })
  }
  const curve = CURVES.get(kind.replace('ecdsa-sha2-', ''))
  if (!curve) throw invalid(file, `keys of the kind ${kind} are not supported`)
  reader.string()
  const point = reader.string()
  const size = (point.length - 1) / 2
  const d = padded(unsigned(reader.string()), size).toString('base64url')
  const [x, y] = [point.subarray(1, 1 + size), point.subarray(1 + size)].map((part) => part.toString('base64url'))
  return createPrivateKey({ format: 'jwk', key: { kty: 'EC', crv: curve.crv, x: x!, y: y!, d } })
}

/** d mod (p - 1), which the format leaves out. */
function exponent(d: string, p: string): string {
  const number = (text: string): bigint => BigInt(`0x${Buffer.from(text, 'base64url').toString('hex') || '0'}`)
  const hex = (number(d) % (number(p) - 1n)).toString(16)
  return Buffer.from(hex.length % 2 === 1 ? `0${hex}` : hex, 'hex').toString('base64url')
}

function publicOf(key: KeyObject): { kind: string; blob: Buffer } {
  const jwk = key.export({ format: 'jwk' })
  const bytes = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url')
  const blobOf = (kind: string, ...parts: Buffer[]): { kind: string; blob: Buffer } => ({
    kind,
    blob: Buffer.concat([string(Buffer.from(kind)), ...parts]),
  })
  if (jwk.kty === 'RSA') return blobOf('ssh-rsa', integer(bytes(jwk.e)), integer(bytes(jwk.n)))
  if (jwk.kty === 'OKP' && jwk.crv === 'Ed25519') return blobOf('ssh-ed25519', string(bytes(jwk.x)))
  const name = [...CURVES].find(([, { crv }]) => crv === jwk.crv)?.[0]
  if (!name) throw fail('SECRET_INVALID', `keys of the kind ${jwk.crv ?? jwk.kty} are not supported`)
  const point = Buffer.concat([Buffer.from([4]), bytes(jwk.x), bytes(jwk.y)])
  return blobOf(`ecdsa-sha2-${name}`, string(Buffer.from(name)), string(point))
}

/** Reads what the protocols of SSH are made of (RFC 4251, section 5). Throws a RangeError at the end. */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  uint32(): number {
    this.#at += 4
    return this.#bytes.readUInt32BE(this.#at - 4)
  }

  string(): Buffer {
    const length = this.uint32()
    if (length > this.#bytes.length - this.#at) throw new RangeError('too short')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}

function string(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** A positive `mpint`: no zeros before it but one where the first bit would make it negative. */
function integer(bytes: Buffer): Buffer {
  const digits = unsigned(bytes)
  return string(digits.length > 0 && digits[0]! >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits)
}

function unsigned(bytes: Buffer): Buffer {
  let start = 0
  while (start < bytes.length && bytes[start] === 0) start++
  return bytes.subarray(start)
}

function padded(bytes: Buffer, size: number): Buffer {
  return bytes.length >= size ? bytes : Buffer.concat([Buffer.alloc(size - bytes.length), bytes])
}

function invalid(file: string, problem: string): Error {
  const hint = 'load it into an ssh-agent and give its socket: --ssh default'
  return fail('SECRET_INVALID', `failed to parse ${file}: ${problem}`, problem.includes('passphrase') ? { hint } : {})
}
