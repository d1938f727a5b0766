import { fail, quoteGo, type SourceSpan } from '../core/index.ts'
import { NotStringsError, parseJsonForm } from './json-form.ts'
import { type LogicalLine, type Range, spanIn, type Token, tokenIn } from './logical-line.ts'
import type { Declaration, DockerfileNode, Flag, KeyValue } from './node.ts'
import { isSpace, trimRange } from './space.ts'
import { type FlagWord, isBlank, splitBlanks, splitFlags, splitQuoted, type Word } from './words.ts'

/** What stands after the keyword and the flags, cut by the rules of one keyword. */
type Arguments = Partial<Pick<DockerfileNode, 'args' | 'isJson' | 'pairs' | 'declarations' | 'trigger'>>

/** What a reader of arguments needs to know. */
interface Context {
  readonly escape: string
  /** How many ONBUILD stand in front. */
  readonly depth: number
}

type ReadArguments = (line: LogicalLine, rest: Range, context: Context) => Arguments

const MAX_TRIGGERS = 50

const READERS = new Map<string, ReadArguments>([
  ['add', readJsonOrWords],
  ['arg', readNames],
  ['cmd', readJsonOrText],
  ['copy', readJsonOrWords],
  ['entrypoint', readJsonOrText],
  ['env', readPairs('ENV')],
  ['expose', readWords],
  ['from', readWords],
  ['healthcheck', readHealth],
  ['label', readPairs('LABEL')],
  ['maintainer', readText],
  ['onbuild', readTrigger],
  ['run', readJsonOrText],
  ['shell', readJsonOrText],
  ['stopsignal', readText],
  ['user', readText],
  ['volume', readJsonOrWords],
  ['workdir', readText],
])

/**
 * Cuts the text of one instruction into keyword, flags and arguments. An unknown keyword is no error here.
 * The node has no comments, here-documents or lines after the text yet. Fails with `DOCKERFILE_INVALID`.
 */
export function readNode(line: LogicalLine, range: Range, context: Context): DockerfileNode {
  const { start, end } = trimRange(line.text, range.start, range.end)
  let stop = start
  while (stop < end && !isBlank(line.text.charCodeAt(stop))) stop++
  const keyword = tokenIn(line, { start, end: stop })
  const { flags, rest } = splitFlags(line.text, { start: stop, end })
  const read = READERS.get(keyword.text.toLowerCase()) ?? (() => ({}))
  return {
    keyword,
    flags: flags.map((flag) => flagIn(line, flag)),
    args: [],
    isJson: false,
    heredocs: [],
    text: line.text.slice(range.start, range.end),
    comments: [],
    span: spanIn(line, { start, end }),
    ...read(line, trimRange(line.text, rest.start, rest.end), context),
  }
}

function flagIn(line: LogicalLine, flag: FlagWord): Flag {
  const equals = flag.text.indexOf('=')
  const token = tokenIn(line, flag, flag.text)
  if (equals < 0 || flag.valueStart === undefined) return { ...token, name: flag.text.slice(2) }
  const value = tokenIn(line, { start: flag.valueStart, end: flag.end }, flag.text.slice(equals + 1))
  return { ...token, name: flag.text.slice(2, equals), value }
}

const wordsIn = (line: LogicalLine, words: readonly Word[]): Token[] =>
  words.map((word) => tokenIn(line, word, word.text))

function readText(line: LogicalLine, rest: Range): Arguments {
  return rest.start === rest.end ? {} : { args: [tokenIn(line, rest)] }
}

function readWords(line: LogicalLine, rest: Range): Arguments {
  return { args: wordsIn(line, splitBlanks(line.text, rest)) }
}

function readNames(line: LogicalLine, rest: Range, context: Context): Arguments {
  const words = splitQuoted(line.text, rest, context.escape)
  return { args: wordsIn(line, words), declarations: words.map((word) => declarationIn(line, word)) }
}

function declarationIn(line: LogicalLine, word: Word): Declaration {
  const equals = word.text.indexOf('=')
  return equals < 0 ? { name: tokenIn(line, word, word.text) } : splitAt(line, word, equals)
}

/** The parts of a word before and behind its `=`. */
function splitAt(line: LogicalLine, word: Word, equals: number): { name: Token; value: Token } {
  const middle = word.start + equals
  return {
    name: tokenIn(line, { start: word.start, end: middle }),
    value: tokenIn(line, { start: middle + 1, end: word.end }, word.text.slice(equals + 1)),
  }
}

function readJsonOrText(line: LogicalLine, rest: Range): Arguments {
  return readJson(line, rest) ?? readText(line, rest)
}

function readJsonOrWords(line: LogicalLine, rest: Range): Arguments {
  return readJson(line, rest) ?? readWords(line, rest)
}

function readJson(line: LogicalLine, rest: Range): Arguments | undefined {
  try {
    const words = parseJsonForm(line.text, rest)
    return words && { args: wordsIn(line, words), isJson: true }
  } catch (error) {
    if (error instanceof NotStringsError) throw malformed(error.message, spanIn(line, rest))
    throw error
  }
}

/** HEALTHCHECK: the type, then a command in either form. */
function readHealth(line: LogicalLine, rest: Range): Arguments {
  let stop = rest.start
  while (stop < rest.end && !isSpace(line.text.charCodeAt(stop))) stop++
  if (stop === rest.start) return {}
  const command = readJsonOrText(line, trimRange(line.text, stop, rest.end))
  const type = tokenIn(line, { start: rest.start, end: stop })
  return { ...command, args: [type, ...(command.args ?? [])] }
}

function readTrigger(line: LogicalLine, rest: Range, context: Context): Arguments {
  if (rest.start === rest.end) return {}
  if (context.depth >= MAX_TRIGGERS)
    throw malformed("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", spanIn(line, rest))
  return { trigger: readNode(line, rest, { ...context, depth: context.depth + 1 }) }
}

function readPairs(keyword: string): ReadArguments {
  return (line, rest, context) => {
    const words = splitQuoted(line.text, rest, context.escape)
    if (words.length === 0) return { pairs: [] }
    if (!words[0]!.text.includes('=')) return { pairs: [readLegacyPair(keyword, line, rest)] }
    return { pairs: words.map((word) => readPair(line, word)) }
  }
}

/** `ENV key the rest`: the value is everything after the key. */
function readLegacyPair(keyword: string, line: LogicalLine, rest: Range): KeyValue {
  let stop = rest.start
  while (stop < rest.end && !isBlank(line.text.charCodeAt(stop))) stop++
  if (stop === rest.end) throw malformed(`${keyword} must have two arguments`, spanIn(line, rest))
  let start = stop
  while (isBlank(line.text.charCodeAt(start))) start++
  return {
    key: tokenIn(line, { start: rest.start, end: stop }),
    value: tokenIn(line, { start, end: rest.end }),
    legacy: true,
  }
}

function readPair(line: LogicalLine, word: Word): KeyValue {
  const equals = word.text.indexOf('=')
  if (equals < 0) {
    const message = `Syntax error - can't find = in ${quoteGo(word.text)}. Must be of the form: name=value`
    throw malformed(message, spanIn(line, word))
  }
  const { name: key, value } = splitAt(line, word, equals)
  return { key, value, legacy: false }
}

function malformed(message: string, span: SourceSpan): Error {
  return fail('DOCKERFILE_INVALID', message, { span })
}
