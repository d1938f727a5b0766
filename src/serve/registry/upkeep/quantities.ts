const DURATION = /^(\d{1,9})(ms|s|m|h|d|w)$/
const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

const SIZE = /^(\d{1,9})(?:\.(\d{1,3}))?\s?([kKMGTP]?)(i?)B?$/
const POWERS = ['', 'K', 'M', 'G', 'T', 'P']

/** A time span as `90s`, `30m`, `12h`, `7d` or `2w`, in milliseconds; `undefined` when it is none. */
export function parseSpan(text: string): number | undefined {
  const match = DURATION.exec(text)
  return match ? Number(match[1]) * MILLISECONDS[match[2] as keyof typeof MILLISECONDS] : undefined
}

/** A number of bytes as `500MB` (powers of 1000) or `10GiB` (powers of 1024); `undefined` when it is none. */
export function parseAmount(text: string): number | undefined {
  const match = SIZE.exec(text)
  if (!match) return undefined
  const power = POWERS.indexOf(match[3]!.toUpperCase())
  return Math.round(Number(`${match[1]}.${match[2] ?? 0}`) * (match[4] ? 1024 : 1000) ** power)
}

/** Bytes for people: `1.5GB`, as Docker's lists show them. */
export function formatAmount(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3))
  return `${Number((bytes / 1000 ** power).toPrecision(4))}${units[power]}`
}

/** A time span for people, in the largest unit that divides it: `7d`, `90m`. */
export function formatSpan(milliseconds: number): string {
  const unit = Object.entries(MILLISECONDS).findLast(([, size]) => milliseconds % size === 0) ?? ['ms', 1]
  return milliseconds === 0 ? '0s' : `${milliseconds / unit[1]}${unit[0]}`
}
