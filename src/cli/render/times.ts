/** A time as Go's `time.Time` prints itself, which is what `CreatedAt` shows: `2026-11-21 12:51:00 +0000 UTC`. */
export function goTime(time: Date): string {
  const [offset, name] = zoneOf(time)
  return `${localDate(time)} ${localClock(time)} ${offset} ${name}`
}

/** A time as `docker logs -t` and events show it: RFC 3339 with nine digits and the local offset. */
export function stampOf(time: Date, nanoseconds = 0): string {
  const [offset] = zoneOf(time)
  const fraction = String(time.getMilliseconds() * 1_000_000 + nanoseconds).padStart(9, '0')
  const zone = offset === '+0000' ? 'Z' : `${offset.slice(0, 3)}:${offset.slice(3)}`
  return `${localDate(time)}T${localClock(time)}.${fraction}${zone}`
}

function localDate(time: Date): string {
  return [String(time.getFullYear()).padStart(4, '0'), two(time.getMonth() + 1), two(time.getDate())].join('-')
}

function localClock(time: Date): string {
  return [two(time.getHours()), two(time.getMinutes()), two(time.getSeconds())].join(':')
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}

/** The offset from UTC as `+hhmm` and the zone's short name; Go shows the offset again where there is no name. */
function zoneOf(time: Date): [string, string] {
  const minutes = -time.getTimezoneOffset()
  const size = Math.abs(minutes)
  const offset = `${minutes < 0 ? '-' : '+'}${two(Math.trunc(size / 60))}${two(size % 60)}`
  if (minutes === 0) return [offset, 'UTC']
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(time)
  const name = parts.find((part) => part.type === 'timeZoneName')?.value ?? ''
  return [offset, /^[A-Z]{2,5}$/.test(name) ? name : offset.slice(0, offset.endsWith('00') ? 3 : 5)]
}

/** An RFC 3339 time as Go's `time.Time` prints itself; anything else as it is, nothing as Go's zero time. */
export function goTimeOfText(text: string): string {
  if (text === '') return '0001-01-01 00:00:00 +0000 UTC'
  const match = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text)
  if (!match) return text
  const [, date, clock, fraction = '', zone = 'Z'] = match
  const shown = fraction.replace(/\.?0+$/, '')
  const offset = zone === 'Z' ? '+0000 UTC' : `${zone.replace(':', '')} ${zone.replace(':', '')}`
  return `${date} ${clock}${shown} ${offset}`
}
