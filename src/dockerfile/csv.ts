/** What is wrong with a line of comma-separated values, in the words of Go's csv package. */
export class CsvError extends Error {}

/**
 * The fields of one line of comma-separated values, as the values of `--mount` and `--device` are written. A field may
 * stand in double quotes, in which two mean one. Fails with `CsvError`; columns count bytes from 1.
 */
export function parseCsvLine(line: string): string[] {
  if (line === '') throw new CsvError('EOF')
  const fields: string[] = []
  for (let at = 0; at <= line.length; ) {
    const { field, end } = line[at] === '"' ? readQuoted(line, at) : readBare(line, at)
    fields.push(field)
    at = end + 1
  }
  return fields
}

function readBare(line: string, start: number): { field: string; end: number } {
  const comma = line.indexOf(',', start)
  const end = comma < 0 ? line.length : comma
  const field = line.slice(start, end)
  const quote = field.indexOf('"')
  if (quote >= 0) throw parseError(line, start + quote, 'bare " in non-quoted-field')
  return { field, end }
}

function readQuoted(line: string, start: number): { field: string; end: number } {
  let field = ''
  let from = start + 1
  for (;;) {
    const quote = line.indexOf('"', from)
    if (quote < 0) throw parseError(line, from, 'extraneous or missing " in quoted-field')
    field += line.slice(from, quote)
    const after = line[quote + 1]
    if (after === undefined || after === ',') return { field, end: quote + 1 }
    if (after !== '"') throw parseError(line, quote, 'extraneous or missing " in quoted-field')
    field += '"'
    from = quote + 2
  }
}

function parseError(line: string, at: number, what: string): CsvError {
  const column = Buffer.byteLength(line.slice(0, at)) + 1
  return new CsvError(`parse error on line 1, column ${column}: ${what}`)
}
