import { stripVTControlCharacters } from 'node:util'
import { displayWidth } from '../width.ts'

/** A block of lines on a terminal that is drawn again and again in the same place. */
export interface Screen {
  /** The text that replaces the block by these lines. Each must be narrower than the terminal. */
  draw(lines: readonly string[], columns: number): string
}

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const ERASE_LINE_END = '\x1b[K'
const ERASE_BELOW = '\x1b[J'

/**
 * An empty block at the cursor. A frame is one text: the cursor is hidden while it is written and shown at its end,
 * so a program that dies between frames leaves the terminal as it should be.
 */
export function createScreen(): Screen {
  let drawn: number[] = []
  return {
    draw(lines, columns) {
      // A terminal made narrower has wrapped the old lines: count the rows they take now.
      const rows = drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / Math.max(columns, 1))), 0)
      const up = rows > 0 ? `\x1b[${rows}A` : ''
      drawn = lines.map((line) => displayWidth(stripVTControlCharacters(line).trimEnd()))
      const body = lines.map((line) => `${line}${ERASE_LINE_END}\n`).join('')
      return `${HIDE_CURSOR}${up}\r${body}${ERASE_BELOW}${SHOW_CURSOR}`
    },
  }
}
