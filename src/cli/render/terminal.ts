/** What the renderers must know about the place they write to. */
export interface Terminal {
  isTerminal: boolean
  columns: number
  rows: number
  colors: boolean
}

/** The part of a stream that says what it is. */
export interface TerminalStream {
  isTTY?: boolean
  columns?: number
  rows?: number
}

/**
 * What a stream is. A terminal that does not tell its size has 80 columns and 24 rows; colours are for terminals
 * unless `NO_COLOR` is set (no-color.org) or `TERM` is `dumb`.
 */
export function describeTerminal(stream: TerminalStream, env: NodeJS.ProcessEnv = process.env): Terminal {
  const isTerminal = stream.isTTY === true
  return {
    isTerminal,
    columns: stream.columns && stream.columns > 0 ? stream.columns : 80,
    rows: stream.rows && stream.rows > 0 ? stream.rows : 24,
    colors: isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb',
  }
}
