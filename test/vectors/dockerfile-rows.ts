/** The fields of the rows of all suites: each row has those of its own, some are plain text. */
export interface Row extends Record<string, unknown> {
  /** The row itself, when it is plain text. */
  plain: string
  text: string
  dockerfile: string | { text: string }
  dump: string
  error?: unknown
  parse: unknown
  platform?: string
  word: string
  expect: unknown
  env: string[] | Record<string, string>
  patterns: string[]
  pattern: string
  path: string
  excluded: boolean
  pass: boolean
  ref: string
  s: string
  match: boolean
  err?: unknown
  key: string
  value: unknown
  line: string
  heredocNames?: string[]
  spec: string
  expected: unknown
  expectedErr?: unknown
  expectedError: string
  expError: string
  FullName: string
  RemoteName: string
  FamiliarName: string
  Domain: string
  Reference: string
  Equivalent: string
  Expected: unknown
  reference: string
  repository: string
  domain: string
  tag: string
  digest: string
  input: string
  sourcesAndDest: { DestPath: string; SourcePaths?: string[]; SourceContents?: SourceContent[] }
  shell: boolean
  command: string[]
  files?: { Name: string; Data: string }[]
  envs: Record<string, string>
  matches: object | null
  unmatched: object | null
  currentWorkdir: string
  newWorkDir: string
  desiredResult: string
}

interface SourceContent {
  Path: string
  Data: string
  Expand: boolean
}

/** Plays one row: what was wanted and what came, or nothing for a row that cannot be played. */
export type Play = (row: Row, suite: Row) => { want: unknown; got: unknown } | undefined
