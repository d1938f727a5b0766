/** Milliseconds that a `Retry-After` header asks to wait: seconds or a date (RFC 9110, 10.2.3); `undefined` when it is neither. */
export function retryAfter(value: string | undefined, now: number = Date.now()): number | undefined {
  if (value === undefined) return undefined
  if (/^\s*\d{1,15}\s*$/.test(value)) return Number(value) * 1000
  // Date.parse reads nearly everything; a date in a header has a month by name
  const at = /[A-Za-z]{3}/.test(value) && value.length < 64 ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
