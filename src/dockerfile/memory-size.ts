const EXPONENTS = ['', 'k', 'm', 'g', 't', 'p']

/**
 * Bytes of a size as Docker takes memory sizes: `64m`, `1.5GiB`, `512`; a unit is 1024 of the one before.
 * Nothing for what is no size.
 */
export function parseMemorySize(text: string): number | undefined {
  const match = /^(\d+\.?\d*|\.\d+) ?(?:b|([kmgtp])(?:i?b)?)?$/i.exec(text)
  if (!match) return undefined
  const exponent = EXPONENTS.indexOf(match[2]?.toLowerCase() ?? '')
  return Math.trunc(Number(match[1]) * 1024 ** exponent)
}
