import { fail } from '../../core/index.ts'
import { formatFloat } from './float.ts'

const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB']
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB']
const SUFFIXES = 'kmgtp'

/** Bytes in decimal units with four significant digits, three for lists: `1.093GB`, `144MB`, `0B`. */
export function humanSize(bytes: number, digits = 4): string {
  return scaled(bytes, 1000, DECIMAL, digits)
}

/** Bytes in binary units with four significant digits: `1.5GiB`. */
export function bytesSize(bytes: number): string {
  return scaled(bytes, 1024, BINARY, 4)
}

/** Bytes as BuildKit's progress shows them: `487B`, `1.98MB`, `10.24kB`. */
export function progressSize(bytes: number): string {
  const { value, unit } = scale(bytes, 1000, DECIMAL)
  return unit === 'B' ? `${Math.trunc(value)}B` : `${value.toFixed(2)}${unit}`
}

function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  const { value, unit } = scale(bytes, base, units)
  return `${formatFloat(value, 'g', digits)}${unit}`
}

function scale(bytes: number, base: number, units: readonly string[]): { value: number; unit: string } {
  let value = bytes
  let i = 0
  while (value >= base && i < units.length - 1) {
    value /= base
    i++
  }
  return { value, unit: units[i]! }
}

/**
 * Reads a size as Docker's flags do: a number with an optional unit (`64m`, `1.5GB`, `2 KiB`); units are powers of
 * `base`, 1024 for memory. The result is a whole number of bytes. Fails with `USAGE_INVALID`, worded as Docker does.
 */
export function parseSize(text: string, base: 1000 | 1024 = 1024): number {
  const last = Math.max(...[...'0123456789. '].map((character) => text.lastIndexOf(character)))
  if (last < 0) throw invalidSize(text)
  const digits = text.slice(0, text[last] === ' ' ? last : last + 1)
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(digits)) {
    throw fail('USAGE_INVALID', `strconv.ParseFloat: parsing ${JSON.stringify(digits)}: invalid syntax`)
  }
  if (Number(digits) < 0) throw invalidSize(text)
  const bytes = Math.trunc(Number(digits) * factorOf(text.slice(last + 1), base))
  if (!Number.isSafeInteger(bytes)) throw invalidSize(text)
  return bytes
}

function invalidSize(text: string): Error {
  return fail('USAGE_INVALID', `invalid size: '${text}'`)
}

function factorOf(suffix: string, base: number): number {
  const lower = suffix.toLowerCase()
  if (lower === '' || lower === 'b') return 1
  const power = SUFFIXES.indexOf(lower[0]!) + 1
  if (power === 0 || !['', 'b', 'ib'].includes(lower.slice(1))) {
    throw fail('USAGE_INVALID', `invalid suffix: '${lower.length > 3 ? suffix : lower}'`)
  }
  return base ** power
}
