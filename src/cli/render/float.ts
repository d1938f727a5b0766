/** Digits of a number and where the decimal point stands: 0.d1d2d3... times ten to the `point`. */
interface Decimal {
  digits: string
  point: number
}

/**
 * Go's `strconv.FormatFloat` of a 64-bit float for the verbs `e`, `E`, `f`, `F`, `g`, `G` and `v` (= `g`); a precision
 * of -1 means the fewest digits that read back as the same number. Ties round to even, as in Go.
 */
export function formatFloat(value: number, verb: string, precision: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  return sign + formatPositive(Math.abs(value), verb, precision)
}

function formatPositive(value: number, verb: string, precision: number): string {
  const shortest = precision < 0
  switch (verb) {
    case 'e':
    case 'E': {
      const decimal = shortest ? shortestDecimal(value) : roundTo(exactDecimal(value), precision + 1)
      return exponential(decimal, shortest ? decimal.digits.length - 1 : precision, verb)
    }
    case 'f':
    case 'F': {
      if (shortest) return fixed(shortestDecimal(value), undefined)
      const exact = exactDecimal(value)
      return fixed(roundTo(exact, exact.point + precision), precision)
    }
    default:
      return general(value, precision, verb === 'G' ? 'E' : 'e')
  }
}

function general(value: number, precision: number, verb: string): string {
  const shortest = precision < 0
  const wanted = precision === 0 ? 1 : precision
  const decimal = shortest ? shortestDecimal(value) : roundTo(exactDecimal(value), wanted)
  const digits = decimal.digits.replace(/0+$/, '')
  const exponent = digits === '' ? 0 : decimal.point - 1
  const limit = shortest ? 6 : wanted > digits.length && digits.length >= decimal.point ? digits.length : wanted
  if (exponent < -4 || exponent >= limit) {
    return exponential({ digits, point: decimal.point }, Math.max(digits.length - 1, 0), verb)
  }
  return fixed({ digits, point: digits === '' ? 0 : decimal.point }, undefined)
}

/** The digits JavaScript prints: the shortest that round-trip, which is what Go asks for too. */
function shortestDecimal(value: number): Decimal {
  if (value === 0) return { digits: '0', point: 1 }
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string]
  return { digits: mantissa.replace('.', ''), point: Number(exponent) + 1 }
}

/** All digits of the binary fraction: m * 2^-k is m * 5^k / 10^k. */
function exactDecimal(value: number): Decimal {
  if (value === 0) return { digits: '0', point: 1 }
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const biased = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xf_ffff_ffff_ffffn
  const mantissa = biased === 0 ? fraction : fraction | 0x10_0000_0000_0000n
  const exponent = Math.max(biased, 1) - 1075
  if (exponent >= 0) {
    const digits = (mantissa << BigInt(exponent)).toString()
    return { digits, point: digits.length }
  }
  const digits = (mantissa * 5n ** BigInt(-exponent)).toString()
  return { digits, point: digits.length + exponent }
}

/** Keeps `count` digits, rounding half to even. */
function roundTo(decimal: Decimal, count: number): Decimal {
  const { digits, point } = decimal
  if (count < 0) return { digits: '', point }
  if (count >= digits.length) return { digits: digits.padEnd(count, '0'), point }
  const kept = digits.slice(0, count)
  const rest = digits.slice(count)
  const isHalf = /^50*$/.test(rest)
  const isOdd = count > 0 && Number(kept.at(-1)) % 2 === 1
  if (rest[0]! < '5' || (isHalf && !isOdd)) return { digits: kept, point }
  const rounded = (BigInt(kept || '0') + 1n).toString().padStart(count, '0')
  return rounded.length > count ? { digits: rounded, point: point + 1 } : { digits: rounded, point }
}

function exponential(decimal: Decimal, fractionDigits: number, verb: string): string {
  const digits = decimal.digits.padEnd(fractionDigits + 1, '0')
  const exponent = /^0*$/.test(decimal.digits) ? 0 : decimal.point - 1
  const fraction = fractionDigits > 0 ? `.${digits.slice(1, fractionDigits + 1)}` : ''
  const size = String(Math.abs(exponent)).padStart(2, '0')
  return `${digits[0]}${fraction}${verb}${exponent < 0 ? '-' : '+'}${size}`
}

function fixed(decimal: Decimal, fractionDigits: number | undefined): string {
  const { digits, point } = decimal
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  const all = point > 0 ? digits.slice(point) : '0'.repeat(-point) + digits
  const fraction = fractionDigits === undefined ? all : all.slice(0, fractionDigits).padEnd(fractionDigits, '0')
  return fraction === '' ? whole : `${whole}.${fraction}`
}
