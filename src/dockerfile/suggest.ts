/** Differences of this many letters and more are no typing error. */
const TOO_FAR = 3

/** ` (did you mean RUN?)` when one of `options` is like `value`, else nothing. Letter case counts. */
export function didYouMean(value: string, options: readonly string[]): string {
  const match = nearest(value, options)
  return match === undefined ? '' : ` (did you mean ${match}?)`
}

/** The same for a name whose case does not count: upper case is answered in upper case, all else in lower case. */
export function didYouMeanName(name: string, options: readonly string[]): string {
  const match = nearest(
    name.toLowerCase(),
    options.map((option) => option.toLowerCase()),
  )
  if (match === undefined) return ''
  return ` (did you mean ${name === name.toUpperCase() ? match.toUpperCase() : match}?)`
}

/** The first of the options that is nearest; none when one is equal, for then the spelling was not the fault. */
function nearest(value: string, options: readonly string[]): string | undefined {
  if (options.includes(value)) return undefined
  let best: string | undefined
  let least = TOO_FAR
  for (const option of options) {
    if (Math.abs(option.length - value.length) >= least) continue
    const distance = editDistance(value, option)
    if (distance < least) {
      best = option
      least = distance
    }
  }
  return best
}

/** Levenshtein distance: insertions, deletions and substitutions cost 1 each. */
function editDistance(from: string, to: string): number {
  const a = [...from]
  const b = [...to]
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, char] of a.entries()) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(row[j]! + (char === b[j] ? 0 : 1), row[j + 1]! + 1, next[j]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
