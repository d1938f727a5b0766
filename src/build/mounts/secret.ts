import { readFileSync, statSync } from 'node:fs'
import { fail, SlipwayError } from '../../core/index.ts'

/** Where a secret comes from: a file of this machine, read when a step wants it, or the value itself. */
export type SecretSource = { readonly file: string } | { readonly value: string | Uint8Array }

/** Secrets by the ids that Dockerfiles ask for. */
export type Secrets = Readonly<Record<string, SecretSource>>

const LARGEST = 500 << 10

/** The bytes of a secret; `undefined` when the build was not given it. Fails with `SECRET_INVALID`, in BuildKit's words. */
export function readSecret(secrets: Secrets, id: string): Buffer | undefined {
  const source = Object.hasOwn(secrets, id) ? secrets[id]! : undefined
  if (!source) return undefined
  if ('value' in source) return checkedSize(id, Buffer.from(source.value as Uint8Array))
  const { file } = source
  try {
    const stat = statSync(file)
    if (stat.isDirectory()) throw fail('SECRET_INVALID', `read ${file}: is a directory`)
    if (stat.size > LARGEST) throw tooBig(id)
    return checkedSize(id, readFileSync(file))
  } catch (error) {
    if (error instanceof SlipwayError) throw error
    throw fail('SECRET_MISSING', `failed to read secret ${id}: ${(error as Error).message}`, { cause: error })
  }
}

function checkedSize(id: string, bytes: Buffer): Buffer {
  if (bytes.length > LARGEST) throw tooBig(id)
  return bytes
}

function tooBig(id: string): Error {
  return fail('SECRET_INVALID', `secret ${id} too big. max size 500KiB`)
}
