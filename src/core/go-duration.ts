import { fail } from './errors.ts'
import { quoteGo } from './go-quote.ts'

const UNITS: Record<string, bigint> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n,
  '\u03bcs': 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
/** The range of a 64-bit integer ends below this. */
const MAX = 1n << 63n

/** Nanoseconds of a Go duration: `1m30s`, `1.5h`, `-2ms`, `0`. Fails with `DURATION_INVALID` and Go's words. */
export function parseDuration(text: string): number {
  const isNegative = text.startsWith('-')
  let rest = isNegative || text.startsWith('+') ? text.slice(1) : text
  if (rest === '0') return 0
  if (rest === '') throw invalid(text)
  let total = 0n
  while (rest !== '') {
    const part = readPart(text, rest)
    total += part.nanoseconds
    if (total > (isNegative ? MAX : MAX - 1n)) throw invalid(text)
    rest = rest.slice(part.length)
  }
  return Number(isNegative ? -total : total)
}

/** One number with its unit from the front of `rest`. */
function readPart(text: string, rest: string): { nanoseconds: bigint; length: number } {
  const [whole, integer = '', point, fraction = '', unit = ''] = /^([0-9]*)(\.([0-9]*))?([^0-9.]*)/.exec(rest)!
  if ((integer === '' && (point === undefined || fraction === '')) || integer.length > 40) throw invalid(text)
  if (unit === '') throw fail('DURATION_INVALID', `time: missing unit in duration ${quoteGo(text)}`)
  const scale = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined
  if (scale === undefined) {
    throw fail('DURATION_INVALID', `time: unknown unit ${quoteGo(unit)} in duration ${quoteGo(text)}`)
  }
  // Eighteen digits are all that a fraction of a 64-bit count of nanoseconds can hold.
  const digits = fraction.slice(0, 18)
  const nanoseconds = BigInt(integer) * scale + (BigInt(digits) * scale) / 10n ** BigInt(digits.length)
  return { nanoseconds, length: whole.length }
}

/** Go's print of a duration given in nanoseconds: `1m30s`, `1.5s`, `100ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  const sign = nanoseconds < 0 ? '-' : ''
  const total = BigInt(Math.abs(nanoseconds))
  if (total === 0n) return '0s'
  if (total < 1_000n) return `${sign}${total}ns`
  if (total < 1_000_000n) return `${sign}${decimal(total, 1_000n)}\u00b5s`
  if (total < 1_000_000_000n) return `${sign}${decimal(total, 1_000_000n)}ms`
  const minutes = total / UNITS['m']!
  const seconds = `${decimal(total % UNITS['m']!, UNITS['s']!)}s`
  if (minutes === 0n) return sign + seconds
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`
}

function decimal(value: bigint, unit: bigint): string {
  const fraction = (value % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '')
  return fraction === '' ? `${value / unit}` : `${value / unit}.${fraction}`
}

function invalid(text: string): Error {
  return fail('DURATION_INVALID', `time: invalid duration ${quoteGo(text.slice(0, 1000))}`)
}
