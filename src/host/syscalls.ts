import { createRequire } from 'node:module'
import os from 'node:os'
import type { KoffiFunc } from 'koffi'

/** A system call that failed, in the shape of Node's own errors: `code` is the errno's name. */
export interface SystemError extends Error {
  code: string
  errno: number
  syscall: string
  path?: string
}

const require = createRequire(import.meta.url)
type Koffi = typeof import('koffi')
let loaded: { koffi: Koffi; functions: Map<string, KoffiFunc<(...args: unknown[]) => unknown>> } | undefined

/**
 * The C library's function of this prototype, bound on first use. Loading koffi costs 10 ms, so nothing here runs
 * before a call needs it.
 */
function libc(prototype: string): KoffiFunc<(...args: unknown[]) => unknown> {
  loaded ??= { koffi: require('koffi') as Koffi, functions: new Map() }
  let bound = loaded.functions.get(prototype)
  if (!bound) {
    bound = loaded.koffi.load(null).func(prototype)
    loaded.functions.set(prototype, bound)
  }
  return bound
}

/**
 * Calls a C function and returns its result; throws a `SystemError` when that is negative.
 * `path` and `name` (when the function is `syscall`) are only for the message.
 */
export function call(prototype: string, args: unknown[], path?: string | Buffer, name?: string): number {
  const result = tryCall(prototype, args)
  if (result >= 0) return result
  throw systemError(-result, name ?? /(\w+)\s*\(/.exec(prototype)?.[1] ?? prototype, path)
}

/** Calls a C function and returns its result, or the negative errno: for calls whose failures are no exceptions. */
export function tryCall(prototype: string, args: unknown[]): number {
  const result = Number(libc(prototype)(...args))
  return result >= 0 ? result : -loaded!.koffi.errno()
}

/** Where the bytes of a buffer lie, for a C structure that points to them; the caller keeps the buffer alive. */
export function addressOf(buffer: Buffer): bigint {
  loaded ??= { koffi: require('koffi') as Koffi, functions: new Map() }
  return BigInt(loaded.koffi.address(buffer))
}

/** Builds the error for an errno, as Node would. */
export function systemError(errno: number, syscall: string, path?: string | Buffer): SystemError {
  const code = errnoName(errno)
  const where = path === undefined ? '' : ` '${path}'`
  const error = new Error(`${code}: ${syscall}${where}`) as SystemError
  Object.assign(error, { code, errno: -errno, syscall, ...(path === undefined ? {} : { path: String(path) }) })
  return error
}

function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(os.constants.errno)) if (value === errno) return name
  return `E${errno}`
}

/** A path for a C function: its bytes and a NUL. Refuses an embedded NUL, which would silently cut the path. */
export function cPath(path: string | Buffer): Buffer {
  const bytes = typeof path === 'string' ? Buffer.from(path) : path
  if (bytes.includes(0)) throw systemError(os.constants.errno.EINVAL, 'path', path)
  return Buffer.concat([bytes, ZERO])
}

const ZERO = Buffer.alloc(1)
