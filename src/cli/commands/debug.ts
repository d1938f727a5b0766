import { messageOf, parseJson } from '../../core/index.ts'
import { debugExpand, debugMatch, debugParse, debugReference } from '../../dockerfile/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { debugTemplate } from '../template/index.ts'

/**
 * Answers one row, which has the shape it wants or makes it fail. What it throws becomes `{"error": message}`. (`never`
 * lets functions of any row type stand in the table.)
 */
export type RowAnswerer = (row: never) => unknown

/** The parts of Slipway that can be asked. */
export type DebugName = 'expand' | 'match' | 'parse' | 'reference' | 'template'

const ANSWERERS: Readonly<Record<DebugName, RowAnswerer>> = {
  expand: debugExpand,
  match: debugMatch,
  parse: debugParse,
  reference: debugReference,
  template: debugTemplate,
}

const MAX_ROW = 64 * 1024 * 1024

/** `slipway debug NAME`: reads rows of JSON, a line each, and writes an answer for each, in order. */
export function debugCommand(name: DebugName): Command {
  return defineCommand({
    usage: '',
    operands: { min: 0, max: 0 },
    flags: {},
    async run({ io }) {
      for await (const line of linesOf(io.stdin())) {
        await io.stdout.write(`${JSON.stringify(answerRow(ANSWERERS[name], line))}\n`)
      }
      return 0
    },
  })
}

function answerRow(answerer: RowAnswerer, line: Buffer): unknown {
  try {
    return answerer(parseJson(line, { what: 'row', maxBytes: MAX_ROW, maxDepth: 200 }) as never)
  } catch (error) {
    return { error: messageOf(error) }
  }
}

/** Lines that are not blank; each chunk is looked at once. */
async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  for await (const chunk of stream) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...parts, chunk.subarray(start, end)])
      parts = []
      start = end + 1
      if (line.length > 0) yield line
    }
    if (start < chunk.length) parts.push(chunk.subarray(start))
  }
  if (parts.length > 0) yield Buffer.concat(parts)
}
