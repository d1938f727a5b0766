import { displayWidth } from './width.ts'

/** How wide columns become: at least `minimum`, and `padding` wider than their widest cell. */
export interface ColumnOptions {
  minimum: number
  padding: number
}

/** What Docker gives its lists. */
const DOCKER_COLUMNS: ColumnOptions = { minimum: 10, padding: 3 }

/**
 * Aligns tab-separated text the way Go's `text/tabwriter` does. A cell ends at a tab; the text after the last tab of a
 * line is no cell and is not padded. A column goes on as long as consecutive lines have a cell in it, and has one width.
 */
export function alignColumns(text: string, options: ColumnOptions = DOCKER_COLUMNS): string {
  const lines = text.split('\n').map((line) => line.split('\t'))
  const columns = Math.max(0, ...lines.map((cells) => cells.length - 1))
  for (let column = 0; column < columns; column++) padColumn(lines, column, options)
  return lines.map((cells) => cells.join('')).join('\n')
}

function padColumn(lines: string[][], column: number, options: ColumnOptions): void {
  for (let first = 0; first < lines.length; first++) {
    if (!hasCell(lines[first]!, column)) continue
    let end = first
    while (end < lines.length && hasCell(lines[end]!, column)) end++
    padBlock(lines.slice(first, end), column, options)
    first = end
  }
}

function hasCell(cells: readonly string[], column: number): boolean {
  return column < cells.length - 1
}

function padBlock(lines: string[][], column: number, options: ColumnOptions): void {
  const widths = lines.map((cells) => displayWidth(cells[column]!))
  const width = widths.reduce((most, cell) => Math.max(most, cell + options.padding), options.minimum)
  lines.forEach((cells, i) => {
    cells[column] += ' '.repeat(width - widths[i]!)
  })
}
