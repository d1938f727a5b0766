// Plays Docker's own formatter goldens and tables against src/cli: `node test/vectors/cli.ts FOLDER`.
// The folder can also come from SLIPWAY_VECTORS; without it there is nothing to do.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Flags } from '../../src/cli/flags.ts'
import { parseArguments } from '../../src/cli/grammar.ts'
import { alignColumns } from '../../src/cli/render/columns.ts'
import { humanAge } from '../../src/cli/render/durations.ts'
import { bytesSize, humanSize, parseSize } from '../../src/cli/render/sizes.ts'
import { describeTerminal } from '../../src/cli/render/terminal.ts'
import { truncateWidth } from '../../src/cli/render/width.ts'
import { type ListFormats, renderList } from '../../src/cli/template/index.ts'
import { messageOf } from '../../src/core/index.ts'

type Data = Record<string, unknown>

interface Table {
  file: string
  func: string | null
  rows: { n: number; row: unknown }[]
}

/** What a row gave and what it should have given; undefined where a row is about something else. */
type Outcome = { actual: unknown; expected: unknown } | undefined
type Player = (row: Data) => Outcome

const formats: ListFormats = {
  typeName: '*formatter.dummy',
  headers: { Name: 'NAME', Image: 'IMAGE', Repository: 'REPOSITORY', Digest: 'DIGEST' },
  named: { table: 'table {{.Name}}' },
}

/** A table of text: headings in upper case, columns at least three spaces apart. */
function realign(text: string): Outcome {
  const lines = text.split('\n')
  const starts = [...lines[0]!.matchAll(/(?:^| {2,})(?=[A-Z])/g)].map((match) => match.index + match[0].length)
  if (starts.length < 2 || !/^[A-Z][A-Z #/&-]*[A-Z]( |$)/.test(lines[0]!)) return undefined
  const cells = lines.map((line) =>
    line === ''
      ? ''
      : starts
          .map((start, i) =>
            [...line]
              .slice(start, starts[i + 1])
              .join('')
              .replace(/ +$/, ''),
          )
          .join('\t'),
  )
  return { actual: alignColumns(cells.join('\n')), expected: text }
}

/** Rows whose template is wrong in itself, or that list nothing: their output needs no data. */
const playFormat: Player = (row) => {
  const outer = row['context'] as Data | undefined
  const context = (outer?.['Context'] ?? outer) as Data | undefined
  const format = context?.['Format'] ?? row['format']
  const { expected } = row
  if (typeof expected !== 'string') return undefined
  if (typeof format === 'string' && expected.startsWith('template parsing error')) {
    return { actual: outcomeOf(() => renderList(format, formats, [{ Name: 'test' }])), expected }
  }
  if (typeof format === 'string' && /^[A-Z]*\n?$/.test(expected))
    return { actual: renderList(format, formats, []), expected }
  if (typeof format === 'string' && expected === 'NAME\ntest\n') {
    return { actual: renderList(format, formats, [{ Name: 'test' }]), expected }
  }
  return realign(expected)
}

function outcomeOf(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return messageOf(error)
  }
}

const streams = (text: string): void => {
  if (!['stdin', 'stdout', 'stderr'].includes(text)) throw new Error('valid streams are STDIN, STDOUT and STDERR')
}
const runFlags: Flags = {
  attach: { kind: 'list', short: 'a', about: '', check: streams },
  interactive: { kind: 'bool', short: 'i', about: '' },
  tty: { kind: 'bool', short: 't', about: '' },
  detach: { kind: 'bool', short: 'd', about: '' },
  rm: { kind: 'bool', about: '' },
}

/** `time.Now().AddDate(y, m, d)` in a row. */
function ageOf(source: unknown): string | undefined {
  const match = /AddDate\((-?\d+), (-?\d+), (-?\d+)\)/.exec(JSON.stringify(source))
  if (!match) return undefined
  const now = new Date()
  const then = new Date(now)
  then.setFullYear(
    now.getFullYear() + Number(match[1]),
    now.getMonth() + Number(match[2]),
    now.getDate() + Number(match[3]),
  )
  return humanAge(then, now)
}

const playSize: Player = (row) => {
  const history = (row['historyCtx'] as Data | undefined)?.['h'] as Data | undefined
  const image = (row['imageCtx'] as Data | undefined)?.['i'] as Data | undefined
  const name = (row['call'] as Data | undefined)?.['name']
  const expected = row['expValue']
  if (history && name === 'Size') return { actual: humanSize(history['Size'] as number, 3), expected }
  if (history && name === 'CreatedSince') {
    const actual = ageOf(history['Created'])
    return actual === undefined ? undefined : { actual, expected }
  }
  const size = image?.['Size'] as number
  const shared = image?.['SharedSize'] as number
  if (image && name === 'SharedSize' && shared >= 0) return { actual: humanSize(shared, 3), expected }
  if (image && name === 'UniqueSize' && shared >= 0) return { actual: humanSize(size - shared, 3), expected }
  return undefined
}

const playStats: Player = (row) => {
  const stats = row['stats'] as Data
  const name = (row['call'] as Data)['name']
  const pair = (a: string, b: string, show: (n: number) => string): Outcome => ({
    actual: `${show(stats[a] as number)} / ${show(stats[b] as number)}`,
    expected: row['expValue'],
  })
  if (stats['IsInvalid'] === true) return undefined
  if (name === 'NetIO') return pair('NetworkRx', 'NetworkTx', (n) => humanSize(n, 3))
  if (name === 'BlockIO') return pair('BlockRead', 'BlockWrite', (n) => humanSize(n, 3))
  return name === 'MemUsage' && row['osType'] !== 'windows' ? pair('Memory', 'MemoryLimit', bytesSize) : undefined
}

const PLAYERS: Readonly<Record<string, Player>> = {
  TestEllipsis: (row) => ({
    actual: truncateWidth(row['source'] as string, row['width'] as number),
    expected: row['expected'],
  }),
  TestParseRunWithInvalidArgs: (row) => ({
    actual: outcomeOf(() => parseArguments(row['args'] as string[], runFlags, { stopsAtOperand: true })),
    expected: row['error'],
  }),
  TestPrintImageTreeAnsiTty: (row) => {
    const env = row['noColorEnv'] ? { NO_COLOR: '1' } : {}
    return { actual: describeTerminal({ isTTY: row['stdoutTty'] === true }, env).colors, expected: row['expectedAnsi'] }
  },
  TestValidateThrottleBpsDevice: (row) => {
    if (row['expectedErr'] !== '') return undefined
    return { actual: parseSize((row['input'] as string).split(':')[1]!), expected: row['expectedRate'] }
  },
  TestHistoryContext_Size: playSize,
  TestHistoryContext_CreatedSince: playSize,
  TestImageContext: playSize,
  TestContainerStatsContext: playStats,
}

/** The tree of `docker images` has a layout of its own; the stars table is a leftover that no test of Docker reads. */
const NOT_COLUMNS = /tree-command|image\/testdata\/list-command|search-context-write-stars-table/

function filesBelow(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.golden') && !NOT_COLUMNS.test(file))
}

function play(folder: string): { name: string; outcome: Outcome }[] {
  const { tables } = JSON.parse(readFileSync(path.join(folder, 'tables_docker_cli.json'), 'utf8')) as {
    tables: Table[]
  }
  const rows = tables.flatMap((table) =>
    table.rows.map(({ n, row }) => {
      const player = PLAYERS[table.func ?? ''] ?? playFormat
      const outcome = typeof row === 'object' && row !== null && !Array.isArray(row) ? player(row as Data) : undefined
      return { name: `${table.func} row ${n}`, outcome }
    }),
  )
  const goldens = path.join(folder, 'docker_cli_goldens')
  const files = filesBelow(goldens).map((name) => ({
    name,
    outcome: realign(readFileSync(path.join(goldens, name), 'utf8')),
  }))
  return [...rows, ...files]
}

const folder = process.argv[2] ?? process.env['SLIPWAY_VECTORS']
if (folder === undefined || !existsSync(path.join(folder, 'tables_docker_cli.json'))) {
  console.log('cli vectors: no folder with tables_docker_cli.json was given; nothing to do')
} else {
  const results = play(folder)
  const played = results.filter((result) => result.outcome !== undefined)
  const failed = played.filter(({ outcome }) => JSON.stringify(outcome!.actual) !== JSON.stringify(outcome!.expected))
  for (const { name, outcome } of failed) {
    console.log(
      `${name}\n  expected ${JSON.stringify(outcome!.expected)}\n  actual   ${JSON.stringify(outcome!.actual)}`,
    )
  }
  console.log(
    `cli vectors: ${played.length} played, ${failed.length} failed, ${results.length - played.length} not about these rooms`,
  )
  process.exitCode = failed.length > 0 ? 1 : 0
}
