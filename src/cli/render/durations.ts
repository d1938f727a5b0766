import { fail } from '../../core/index.ts'

/** A length of time in Docker's rough words: `2 weeks`, `About an hour`, `Less than a second`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000)
  if (seconds < 1) return 'Less than a second'
  if (seconds === 1) return '1 second'
  if (seconds < 60) return `${seconds} seconds`
  const minutes = Math.trunc(milliseconds / 60_000)
  if (minutes === 1) return 'About a minute'
  if (minutes < 60) return `${minutes} minutes`
  const hours = Math.trunc(milliseconds / 3_600_000 + 0.5)
  if (hours === 1) return 'About an hour'
  if (hours < 48) return `${hours} hours`
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`
  return `${Math.trunc(milliseconds / 3_600_000 / 24 / 365)} years`
}

/** How long ago something was, as lists show it: `3 days ago`. */
export function humanAge(then: Date, now: Date): string {
  return `${humanDuration(now.getTime() - then.getTime())} ago`
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Reads a Go duration (`1h30m`, `1.5s`, `0`) into milliseconds. Fails with `USAGE_INVALID`, worded as Go does. */
export function parseDuration(text: string): number {
  const quoted = JSON.stringify(text)
  const body = text.replace(/^[+-]/, '')
  if (body === '0') return 0
  const part = /(\d+\.?\d*|\.\d+)([^0-9.]*)/y
  let total = 0
  while (part.lastIndex < body.length) {
    const match = part.exec(body)
    if (!match) throw fail('USAGE_INVALID', `time: invalid duration ${quoted}`)
    if (match[2] === '') throw fail('USAGE_INVALID', `time: missing unit in duration ${quoted}`)
    if (!Object.hasOwn(UNITS, match[2]!)) {
      throw fail('USAGE_INVALID', `time: unknown unit ${JSON.stringify(match[2])} in duration ${quoted}`)
    }
    total += Number(match[1]) * UNITS[match[2]!]!
  }
  if (body === '') throw fail('USAGE_INVALID', `time: invalid duration ${quoted}`)
  return text.startsWith('-') ? -total : total
}

/** Nanoseconds as Go prints a `time.Duration`: `1h30m0s`, `1.5s`, `250ms`, `0s`. */
export function goDuration(nanoseconds: number): string {
  const size = Math.abs(nanoseconds)
  const sign = nanoseconds < 0 ? '-' : ''
  if (size === 0) return '0s'
  if (size < 1e3) return `${sign}${size}ns`
  if (size < 1e6) return `${sign}${size / 1e3}µs`
  if (size < 1e9) return `${sign}${size / 1e6}ms`
  const hours = Math.trunc(size / 3.6e12)
  const minutes = Math.trunc(size / 6e10) % 60
  const seconds = Number(((size % 6e10) / 1e9).toFixed(9))
  return `${sign}${hours > 0 ? `${hours}h` : ''}${hours > 0 || minutes > 0 ? `${minutes}m` : ''}${seconds}s`
}
