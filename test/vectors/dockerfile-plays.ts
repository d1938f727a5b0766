import { toByteString } from '../../src/core/index.ts'
import { heredocWordsOf, parseHeredocWord } from '../../src/dockerfile/heredoc.ts'
import {
  cleanPath,
  type DebugError,
  debugExpand,
  debugMatch,
  debugParse,
  debugReference,
  expand,
  matchPath,
  parseDockerfile,
  parsePorts,
  resolveWorkdir,
} from '../../src/dockerfile/index.ts'
import { parseJsonForm } from '../../src/dockerfile/json-form.ts'
import { parseDevice } from '../../src/dockerfile/mount.ts'
import { compileShellPattern, reversePattern } from '../../src/dockerfile/shell-pattern.ts'
import { splitQuoted } from '../../src/dockerfile/words.ts'
import { familiarReference, formatReference, parseReference, withDefaultTag } from '../../src/oci/index.ts'
import type { Play, Row } from './dockerfile-rows.ts'

const ERROR = 'an error'

/** How the rows of a file are played, by its name. */
export const FILES: Record<string, Play> = {
  'parser_testfiles.json': (row) => ({
    want: row.error ? ERROR : row.dump.trimEnd(),
    got: orError(() => unwrap(debugParse({ text: textIn(row) })).dump),
  }),
  'corpus.jsonl': (row) => ({ want: row.parse, got: debugParse(row) }),
  'parser_mutants.jsonl': ({ text, ...want }) => ({ want, got: debugParse({ text }) }),
  'shell_envvar.json': (row, suite) =>
    row.platform === 'W'
      ? undefined
      : {
          want: wanted(row.expect, row.error),
          got: orError(() => unwrap(debugExpand({ ...row, env: suite.env })).expect),
        },
  'shell_words.json': (row) => ({
    want: wanted(row.expect, row.error),
    got: orError(() => unwrap(debugExpand(row)).words ?? []),
  }),
  'word_mutants.json': ({ word, ...want }, suite) => ({ want, got: debugExpand({ word, env: suite.env }) }),
  'pattern_mutants.json': (row) => ({
    want: row.error ? { error: row.error } : { excluded: row.excluded },
    got: debugMatch(row),
  }),
  'reference_mutants.json': ({ ref, ...want }) => ({ want, got: debugReference({ ref }) }),
}

/** By the function and the variable of a table, as the suites name them. */
export const TABLES: Record<string, Play> = {
  'TestMatches tests': (row) => ({ want: row.pass, got: matches([row.pattern], row.text) }),
  'TestMatches multiPatternTests': (row) => ({ want: row.pass, got: matches(row.patterns, row.text) }),
  'null matchTests': (row) => ({
    want: row.err ? ERROR : row.match,
    got: orError(() => matches([row.pattern], row.s)),
  }),
  'TestCleanPatterns patterns': (row) => ({ want: row.plain, got: cleanPath(row.plain) }),

  'TestValidateReferenceName validRepoNames': (row) => ({ want: true, got: isReference(row.plain) }),
  'TestValidateReferenceName invalidRepoNames': (row) => ({ want: false, got: isReference(row.plain) }),
  'TestValidateRemoteName validRepositoryNames': (row) => ({ want: true, got: isReference(row.plain) }),
  'TestValidateRemoteName invalidRepositoryNames': (row) => ({ want: false, got: isReference(row.plain) }),
  'TestParseRepositoryInfo tests': playRepository,
  'TestParseAnyReference tests': (row) =>
    row.Expected === null ? { want: row.Equivalent, got: formatReference(parseReference(row.Reference)) } : undefined,
  'TestNormalizedSplitHostname tests': playSplit,
  'TestDomainAndPath tests': playSplit,
  'TestParseNamed tests': (row) => (row.err ? undefined : playSplit(row)),
  'TestParseDockerRef tests': (row) => ({ want: row.expected, got: dockerReference(row.input) }),
  'TestReferenceParse tests': playRawReference,
  'TestMatch tests': playFamiliarMatch,

  'TestParsePortEmptyContainerPort tests': (row) => ({
    want: row.expError,
    got: messageFrom(() => parsePorts(row.spec)),
  }),
  'TestPartPortIPV6 cases': (row) => ({ want: row.expected, got: parsePorts(row.spec) }),
  'TestParseDevice cases': playDevice,
  'TestCopyHeredoc cases': playCopyHeredoc,
  'TestRunHeredoc cases': playRunHeredoc,
  'TestErrorCases cases': (row) => ({
    want: true,
    got: messageFrom(() => understand(textIn(row))).includes(row.expectedError),
  }),
  'TestCommandsExactlyOneArgument commands': (row) => playMessage(row.plain, 'requires exactly one argument'),
  'TestCommandsAtLeastOneArgument commands': (row) => playMessage(row.plain, 'requires at least one argument'),
  'TestCommandsNoDestinationArgument commands': (row) =>
    playMessage(`${row.plain} arg1`, 'Destination could not be determined'),
  'TestCommandsBlankNames commands': (row) => playMessage(`${row.plain} =arg2`, 'names can not be blank'),
  'null invalidJSONArraysOfStrings': (row) => ({
    want: ERROR,
    got: orError(() => parseJsonForm(row.plain, wholeOf(row.plain))),
  }),
  'null validJSONArraysOfStrings': (row) => ({
    want: row.value,
    got: parseJsonForm(row.key, wholeOf(row.key))?.map(({ text }) => text),
  }),
  'TestParseHeredocHelpers validHeredocs': (row) => ({ want: 'EOF', got: parseHeredocWord(row.plain)?.name }),
  'TestParseHeredocHelpers invalidHeredocs': (row) => ({
    want: ERROR,
    got: orError(() => parseHeredocWord(row.plain)),
  }),
  'TestParseHeredocHelpers notHeredocs': (row) => ({ want: undefined, got: parseHeredocWord(row.plain) }),
  'TestHeredocsFromLine srcs': (row) => ({
    want: row.heredocNames ?? [],
    got: heredocWordsOf(row.line).map(({ name }) => name),
  }),
  'TestParseWords tests': (row) => ({
    want: row.expect,
    got: inputsOf(row).flatMap((line) => splitQuoted(line, wholeOf(line), '\\').map(({ text }) => text)),
  }),
  'TestConvertShellPatternToRegex invalid': (row) => ({
    want: ERROR,
    got: orError(() => compileShellPattern(codesOf(row.plain))),
  }),
  'TestReversePattern cases': (row) => ({
    want: row.value,
    got: String.fromCodePoint(...reversePattern(codesOf(row.key))),
  }),
  'TestProcessWithMatches tc': playMatches,
  'TestNormalizeWorkdir testCases': (row) => ({
    want: row.desiredResult,
    got: resolveWorkdir(row.currentWorkdir, row.newWorkDir),
  }),
  'TestNormalizeWorkdirUnix testCases': (row) => ({
    want: row.desiredResult,
    got: resolveWorkdir(row.currentWorkdir, row.newWorkDir),
  }),
}

/** The files with tables. */
export const TABLE_FILES: readonly string[] = [
  'tables_patternmatcher.json',
  'tables_reference.json',
  'tables_bk_parser_unit.json',
  'tables_bk_shell_lex.json',
  'tables_bk_util.json',
]

function playRepository(row: Row) {
  const reference = parseReference(row.FullName)
  const { domain, path: remote } = reference
  const got = { domain, remote, familiar: familiarReference(reference) }
  return { want: { domain: row.Domain, remote: row.RemoteName, familiar: row.FamiliarName }, got }
}

function playSplit(row: Row) {
  const { domain, path: remote } = parseReference(row.input)
  return { want: [row.domain, row.path], got: [domain, remote] }
}

function dockerReference(text: string): string {
  const { tag: _, ...untagged } = parseReference(text)
  return formatReference(untagged.digest ? untagged : withDefaultTag(parseReference(text)))
}

/** Rows for names that are not normalised: only those that mean the same when they are. */
function playRawReference(row: Row) {
  if (row.err)
    return row.input === 'Uppercase:tag' || row.input === '' ? undefined : { want: false, got: isReference(row.input) }
  if (row.domain === '' || !/[.:]|localhost/.test(row.domain)) return undefined
  const { domain, path: remote, tag = '', digest = '' } = parseReference(row.input)
  return { want: [row.repository, row.tag, row.digest], got: [`${domain}/${remote}`, tag, digest] }
}

function playFamiliarMatch(row: Row) {
  const { tag: _, digest: __, ...bare } = parseReference(row.reference)
  const names = [familiarReference(parseReference(row.reference)), familiarReference(bare)]
  return { want: row.expected, got: names.some((name) => matchPath(toByteString(row.pattern), toByteString(name))) }
}

function playDevice(row: Row) {
  const device = row.expected as { Name: string; Required: boolean }
  const want = row.expectedErr ? ERROR : { name: device.Name, required: device.Required }
  return { want, got: orError(() => parseDevice(tokenOf(row.input))) }
}

function playCopyHeredoc(row: Row) {
  const copy = understand(textIn(row)).at(-1)
  if (copy?.kind !== 'copy') return { want: 'COPY', got: copy?.kind }
  const { DestPath, SourcePaths = [], SourceContents = [] } = row.sourcesAndDest
  return {
    want: [DestPath, SourcePaths, SourceContents.map((file) => [file.Path, file.Data, file.Expand])],
    got: [
      copy.destination.text,
      copy.sources.map(({ text }) => text),
      copy.files.map((file) => [file.path.text, file.content, file.expand]),
    ],
  }
}

function playRunHeredoc(row: Row) {
  const run = understand(textIn(row)).at(-1)
  if (run?.kind !== 'run') return { want: 'RUN', got: run?.kind }
  const { command, node } = run
  return {
    want: [row.shell, row.command, (row.files ?? []).map((file) => [file.Name, file.Data])],
    got: [
      command.form === 'shell',
      command.form === 'shell' ? [command.text] : command.args,
      node.heredocs.map(({ name, content }) => [name, content]),
    ],
  }
}

function playMessage(instruction: string, part: string) {
  return { want: true, got: messageFrom(() => understand(instruction)).includes(part) }
}

function playMatches(row: Row) {
  const want = row.expectedErr ? ERROR : [row.expected, keysOf(row.matches), keysOf(row.unmatched)]
  const env = new Map<string, string>(Object.entries(row.envs))
  return {
    want,
    got: orError(() => {
      const { text, used, unset } = expand(row.input, env)
      return [text, [...used].sort(), [...unset].sort()]
    }),
  }
}

const inputsOf = (row: Row): string[] => [row.input].flat()
const textIn = ({ dockerfile }: Row): string => (typeof dockerfile === 'string' ? dockerfile : dockerfile.text)
const keysOf = (names: object | null): string[] => Object.keys(names ?? {}).sort()
const codesOf = (text: string): number[] => Array.from(text, (char) => char.codePointAt(0)!)
const wholeOf = (text: string) => ({ start: 0, end: text.length })
const wanted = (value: unknown, error: unknown): unknown => (error ? ERROR : value)
const tokenOf = (text: string) => ({
  text,
  span: { source: { name: 'row', text }, line: 1, column: 1, endLine: 1, endColumn: text.length + 1 },
})

function understand(instructions: string) {
  return parseDockerfile({ name: 'row', text: `FROM scratch\n${instructions}` }).stages.flatMap(
    (stage) => stage.instructions,
  )
}

function matches(patterns: string[], text: string): boolean {
  return unwrap(debugMatch({ patterns, path: text })).excluded
}

function isReference(text: string): boolean {
  return !('error' in debugReference({ ref: text }))
}

function unwrap<T extends object>(answer: T | DebugError): T {
  if ('error' in answer) throw new Error((answer as DebugError).error)
  return answer as T
}

function orError<T>(work: () => T): T | typeof ERROR {
  try {
    return work()
  } catch {
    return ERROR
  }
}

function messageFrom(work: () => unknown): string {
  try {
    work()
    return 'no error'
  } catch (error) {
    return (error as Error).message
  }
}
