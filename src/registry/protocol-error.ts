import { isJsonObject, parseJson } from '../core/index.ts'
import type { ProtocolError } from './protocol.ts'

const MOST_BYTES = 1 << 16
const MOST_ERRORS = 10
const MOST_TEXT = 500

/** The errors in the body of an answer; none when it is of another form. */
export function parseProtocolErrors(body: Uint8Array): ProtocolError[] {
  const value = parseSafely(body)
  const errors = isJsonObject(value) && Array.isArray(value['errors']) ? value['errors'] : []
  return errors
    .slice(0, MOST_ERRORS)
    .filter(isJsonObject)
    .map(({ code, message, detail }) => ({ code: plain(code), message: plain(message), detail }))
}

/** As Go's programs print an error of the protocol: `manifest unknown: manifest unknown`. */
export function protocolErrorText({ code, message }: ProtocolError): string {
  const name = code.toLowerCase().replaceAll('_', ' ')
  return [name, message].filter((part) => part !== '').join(': ')
}

function parseSafely(body: Uint8Array): unknown {
  try {
    return parseJson(body, { what: 'error', maxBytes: MOST_BYTES, maxDepth: 20 })
  } catch {
    return undefined
  }
}

/** One line, without what could steer a terminal. */
function plain(text: unknown): string {
  return typeof text === 'string'
    ? text
        .slice(0, MOST_TEXT)
        .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
        .trim()
    : ''
}
