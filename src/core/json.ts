import { asBuffer } from './bytes.ts'
import { fail } from './errors.ts'

/** A parsed JSON value. Objects have no prototype, so a key named `__proto__` is just a key. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

/** Caps for a document that comes from outside. */
export interface JsonLimits {
  /** What the document is, for the message: "manifest", "image config". */
  what: string
  maxBytes: number
  /** Nesting of arrays and objects. */
  maxDepth?: number
}

/**
 * Parses JSON of foreign origin. Fails with `JSON_INVALID` when it is too large, too deep, not UTF-8, or not JSON.
 * Integers that a JavaScript number cannot hold come back as raw JSON, so that writing the value again keeps them.
 */
export function parseJson(bytes: Uint8Array, limits: JsonLimits): Json {
  const { what, maxBytes, maxDepth = 64 } = limits
  if (bytes.length > maxBytes) throw fail('JSON_INVALID', `${what} is larger than ${maxBytes} bytes`)
  checkDepth(bytes, what, maxDepth)
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(asBuffer(bytes))
    return JSON.parse(text, reviveSafely) as Json
  } catch (error) {
    throw fail('JSON_INVALID', `${what} is not valid JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** Whether a parsed value is a JSON object: not null, not an array, and not an integer that was kept raw. */
export function isJsonObject(value: unknown): value is { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawJson(value)
}

/** Brackets outside of strings, counted before anything recurses over the document. */
function checkDepth(bytes: Uint8Array, what: string, maxDepth: number): void {
  let depth = 0
  let inString = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]
    if (inString) {
      if (byte === 0x5c) i++
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) inString = true
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > maxDepth) throw fail('JSON_INVALID', `${what} is nested deeper than ${maxDepth} levels`)
    } else if (byte === 0x7d || byte === 0x5d) depth--
  }
}

function reviveSafely(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === 'number') {
    const source = context?.source
    return source !== undefined && /^-?\d+$/.test(source) && !Number.isSafeInteger(value) ? rawJson(source) : value
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || isRawJson(value)) return value
  return Object.assign(Object.create(null), value)
}

// JSON.rawJSON and the reviver's context are in Node 24 (V8 13.6) but not yet in TypeScript's library.
const { rawJSON: rawJson, isRawJSON: isRawJson } = JSON as unknown as {
  rawJSON(text: string): unknown
  isRawJSON(value: unknown): boolean
}
