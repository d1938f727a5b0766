/**
 * Plays tables of other projects' unit tests against `src/oci` and says how many agree. Run by hand:
 * `node test/vectors/oci.ts FOLDER`, or with the folder in SLIPWAY_VECTORS. The tables are not part of this project.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { isDigest } from '../../src/core/index.ts'
import {
  formatPlatform,
  matchesPlatform,
  normalizePlatform,
  type Platform,
  parseConfig,
  parseImageDocument,
  parseIndex,
  parseManifest,
  parsePlatform,
} from '../../src/oci/index.ts'

type Row = Record<string, unknown>
interface Table {
  file: string
  func: string | null
  var: string | null
  rows: { n: number; row: Row | string }[]
}

/** What a row expects and what we answer; `undefined` when the row cannot be played. */
type Player = (row: Row) => { expected: unknown; actual: unknown } | undefined

const folder = process.argv[2] ?? process.env['SLIPWAY_VECTORS']
if (folder === undefined || !existsSync(path.join(folder, 'tables_ggcr.json'))) {
  console.log('no tables of other projects here: nothing to play')
  process.exit(0)
}

const DIGEST = `sha256:${'0'.repeat(64)}`
const refuses = (work: () => unknown): boolean => {
  try {
    work()
    return false
  } catch {
    return true
  }
}
const document = (key: string, parse: (bytes: Buffer) => unknown): Player => {
  return (row) =>
    typeof row[key] === 'string'
      ? { expected: row['fail'] === true, actual: refuses(() => parse(Buffer.from(row[key] as string))) }
      : undefined
}
const manifestWith = (descriptor: string): Buffer =>
  Buffer.from(
    `{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"${DIGEST}","size":1},"layers":[],"subject":${descriptor}}`,
  )
const goPlatform = (value: unknown): Platform => {
  const { OS = '', Architecture = '', Variant, OSVersion } = (value ?? {}) as Record<string, string>
  const version = OSVersion === undefined ? {} : { 'os.version': OSVersion }
  return { os: OS, architecture: Architecture, ...(Variant === undefined ? {} : { variant: Variant }), ...version }
}
const shown = (platform: Platform): string => formatPlatform(normalizePlatform(platform))
const digests = (expected: boolean): Player => {
  return (row) => ({ expected, actual: isDigest(row) })
}

const PLAYERS: Record<string, Player> = {
  'image_spec_schema config_test.go TestConfig': document('config', parseConfig),
  'image_spec_schema backwards_compatibility_test.go TestBackwardsCompatibilityConfig': document('config', parseConfig),
  'image_spec_schema descriptor_test.go TestDescriptor': (row) => ({
    expected: row['fail'],
    actual: refuses(() => parseManifest(manifestWith(String(row['descriptor'])))),
  }),
  'image_spec_schema imageindex_test.go TestImageIndex': document('imageIndex', parseIndex),
  'image_spec_schema manifest_test.go TestManifest': document('manifest', parseImageDocument),
  'go-digest digest_test.go TestParseDigest': (row) => ({
    expected: row['Err'] == null,
    actual: isDigest(row['Input']),
  }),
  'go-digest set_test.go TestLookup': digests(true),
  'go-digest set_test.go TestAddDuplication': digests(true),
  'go-digest set_test.go TestShortCodeTable': digests(true),
  'ggcr hash_test.go TestGoodHashes': digests(true),
  'ggcr hash_test.go TestBadHashes': digests(false),
  'ggcr platform_test.go TestPlatformString': (row) => ({
    expected: shown(parsePlatform(String(row['want']).replace(/^(\w+)\/(.*):(.*)$/, '$1($3)/$2'))),
    actual: shown(goPlatform(row['plat'])),
  }),
  'ggcr platform_test.go TestPlatformSatisfies': (row) => {
    const [have, spec] = [goPlatform(row['have']), goPlatform(row['spec'])]
    // a pattern that leaves fields open is a notion of its own there
    if (spec.os === '' || spec.architecture === '' || row['sat'] === undefined) return undefined
    return { expected: row['sat'], actual: matchesPlatform(spec, have) }
  },
  'regclient platform_test.go TestPlatformParse': (row) => {
    if (row['wantErr'] !== null) return { expected: true, actual: refuses(() => parsePlatform(String(row['parse']))) }
    const goal = row['goal'] as Row
    if (typeof goal['OS'] !== 'string') return undefined
    const architecture = goal['Architecture'] ?? parsePlatform('linux').architecture
    const expected = shown({ ...goPlatform(goal), architecture: String(architecture) })
    return { expected, actual: shown(parsePlatform(String(row['parse']))) }
  },
  'regclient platform_test.go TestPlatformString': (row) => ({
    expected: row['goal'],
    actual: shown(goPlatform(row['p'])),
  }),
  'regclient compare_test.go TestCompare': (row) => ({
    expected: row['expectMatch'],
    actual: shown(goPlatform(row['host'])) === shown(goPlatform(row['target'])),
  }),
  'regclient descriptor_test.go TestGetDataJSON': (row) => ({
    expected: row['wantErr'] !== null,
    actual: refuses(() => parseManifest(manifestWith(String(row['dJSON'])))),
  }),
}

let total = 0
let agreed = 0
for (const project of ['image_spec_schema', 'go-digest', 'ggcr', 'regclient']) {
  const { tables } = JSON.parse(readFileSync(path.join(folder, `tables_${project}.json`), 'utf8')) as {
    tables: Table[]
  }
  for (const table of tables) {
    const name = `${project} ${path.basename(table.file)} ${table.func ?? table.var}`
    const player = PLAYERS[name] ?? PLAYERS[`${project} ${path.basename(table.file)}`]
    if (player) play(name, table, player)
  }
}
console.log(`${agreed} of ${total} agree`)

function play(name: string, table: Table, player: Player): void {
  let good = 0
  let played = 0
  for (const { n, row } of table.rows) {
    const result = player(row as Row)
    if (!result) continue
    played++
    if (result.expected === result.actual) good++
    else console.log(`  ${name} row ${n}: expected ${result.expected}, got ${result.actual}`)
  }
  console.log(`${good}/${played} of ${table.rows.length} rows: ${name}`)
  total += played
  agreed += good
}
