/** The middle value; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return sorted.length % 2 === 1 ? sorted[Math.floor(half)]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** A ratio of medians, with the least and greatest ratio of the rounds it comes from. */
export interface Ratio {
  value: number
  least: number
  greatest: number
}

/** How two rows of figures relate that were taken in turn, round by round. */
export function ratioOf(ours: readonly number[], theirs: readonly number[]): Ratio {
  const rounds = ours.map((each, round) => each / theirs[round]!)
  return { value: median(ours) / median(theirs), least: Math.min(...rounds), greatest: Math.max(...rounds) }
}
