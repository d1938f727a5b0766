import { createHash, hash } from 'node:crypto'
import type { Bytes } from './bytes.ts'
import { fail } from './errors.ts'

/** `algorithm:hex`, as in the OCI image spec, "Digests". sha384 is not registered there, but Docker takes it too. */
export type Digest = `${DigestAlgorithm}:${string}`
/** All have names of one length, which `digestAlgorithm` relies on. */
export type DigestAlgorithm = 'sha256' | 'sha384' | 'sha512'

/** How many hex digits the digests of each algorithm have. */
export const DIGEST_LENGTHS: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha384: 96, sha512: 128 }

const FORM = /^(sha256|sha384|sha512):([a-f0-9]+)$/

/** Every algorithm there is. */
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = ['sha256', 'sha384', 'sha512']

/** Whether `text` is a whole, well-formed digest. Anything that becomes part of a path must have passed this. */
export function isDigest(text: unknown): text is Digest {
  const match = typeof text === 'string' ? FORM.exec(text) : null
  return match !== null && match[2]!.length === DIGEST_LENGTHS[match[1] as DigestAlgorithm]
}

/** Checked conversion; fails with `DIGEST_INVALID`. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw fail('DIGEST_INVALID', `invalid digest ${JSON.stringify(text.slice(0, 200))}`)
  return text
}

/** The part before the colon. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, 6) as DigestAlgorithm
}

/** The part after the colon. */
export function digestHex(digest: Digest): string {
  return digest.slice(7)
}

/** What `docker images` shows: the first 12 hex characters. */
export function shortId(digest: Digest): string {
  return digest.slice(7, 19)
}

/** Digest of bytes in memory. */
export function digestOf(data: Uint8Array | string, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${hash(algorithm, data, 'hex')}`
}

/** A digest that grows with the bytes given to it. */
export interface Digester {
  update(chunk: Uint8Array): void
  /** Ends the computation; call once. */
  digest(): Digest
}

/** Starts a running digest. */
export function createDigester(algorithm: DigestAlgorithm = 'sha256'): Digester {
  const state = createHash(algorithm)
  return { update: (chunk) => void state.update(chunk), digest: () => `${algorithm}:${state.digest('hex')}` }
}

/**
 * Passes `bytes` on and fails with `CONTENT_MISMATCH` when they are not exactly `size` bytes with this digest.
 * A stream that is too long is stopped at the declared size, so an endless one ends.
 */
export async function* verified(bytes: Bytes, expected: { digest: Digest; size: number }): Bytes {
  const digester = createDigester(digestAlgorithm(expected.digest))
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.length
    if (size > expected.size) throw mismatch(expected, `has more than the declared ${expected.size} bytes`)
    digester.update(chunk)
    yield chunk
  }
  if (size !== expected.size) throw mismatch(expected, `has ${size} bytes, ${expected.size} were declared`)
  const actual = digester.digest()
  if (actual !== expected.digest) throw mismatch(expected, `has the digest ${actual}`)
}

function mismatch(expected: { digest: Digest }, what: string): Error {
  return fail('CONTENT_MISMATCH', `content of ${expected.digest} ${what}`)
}
