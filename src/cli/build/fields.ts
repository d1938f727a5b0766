import { messageOf } from '../../core/index.ts'
import { parseCsvLine } from '../../dockerfile/index.ts'

/** One part of a value like `type=local,dest=out`. */
export interface Field {
  /** As it stands. */
  text: string
  /** What is before the first `=`, without blanks around it; all of it where there is none. */
  key: string
  /** What is after it; missing where there is none. */
  value?: string
}

/**
 * The parts of a flag's value, which is a line of comma-separated values: a part may stand in double quotes. What is
 * wrong with the line is thrown as the error that `refuse` makes of it.
 */
export function parseFields(line: string, refuse: (problem: string) => Error): Field[] {
  try {
    return parseCsvLine(line).map(fieldOf)
  } catch (error) {
    throw refuse(messageOf(error))
  }
}

function fieldOf(text: string): Field {
  const cut = text.indexOf('=')
  return cut < 0 ? { text, key: text.trim() } : { text, key: text.slice(0, cut).trim(), value: text.slice(cut + 1) }
}
