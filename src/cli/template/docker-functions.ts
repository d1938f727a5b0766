import { FunctionError, type TemplateFunction, textsValue, textValue } from './function.ts'
import { jsonOf } from './json.ts'
import { elementsOf, numberOf, stringOf, type Value } from './values.ts'

const text = (value: Value | undefined): string => (value === undefined ? '' : stringOf(value))
const integer = (value: Value | undefined): number => (value === undefined ? 0 : Number(numberOf(value)))

/** A caller may ask for as much padding as a terminal could ever show, and no more. */
const MAX_PADDING = 1_000_000

/** The functions that Docker's `--format` adds to Go's. */
export const DOCKER_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['json', { parameters: ['any'], call: ([value]) => textValue(jsonOf(value)) }],
  ['split', { parameters: ['string', 'string'], call: ([value, by]) => textsValue(splitText(text(value), text(by))) }],
  [
    'join',
    {
      parameters: ['[]string', 'string'],
      call: ([list, by]) => textValue((list ? elementsOf(list) : []).map(stringOf).join(text(by))),
    },
  ],
  ['title', { parameters: ['string'], call: ([value]) => textValue(titleCase(text(value))) }],
  ['lower', { parameters: ['string'], call: ([value]) => textValue(lowerCase(text(value))) }],
  ['upper', { parameters: ['string'], call: ([value]) => textValue(upperCase(text(value))) }],
  [
    'pad',
    {
      parameters: ['string', 'int', 'int'],
      call: ([value, before, after]) => textValue(padText(text(value), integer(before), integer(after))),
    },
  ],
  [
    'truncate',
    { parameters: ['string', 'int'], call: ([value, size]) => textValue(truncateText(text(value), integer(size))) },
  ],
])

const unchanged = (rest: readonly ('string' | 'int')[]): TemplateFunction => ({
  parameters: ['string', ...rest],
  call: ([value]) => textValue(text(value)),
})

/** What replaces them while the header of a table is made: the column's name must come through as it is. */
export const HEADER_FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['json', unchanged([])],
  ['split', unchanged(['string'])],
  ['join', unchanged(['string'])],
  ['title', unchanged([])],
  ['lower', unchanged([])],
  ['upper', unchanged([])],
  ['truncate', unchanged(['int'])],
])

/** Go's `strings.Split`: by nothing means into characters. */
function splitText(value: string, by: string): string[] {
  return by === '' ? [...value] : value.split(by)
}

/** Go's `strings.Title`: the first letter after ASCII that is no letter, digit or `_`, or after Unicode space. */
function titleCase(value: string): string {
  return value.replace(
    /(^|[\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\x7f]|\s)(\p{L})/gu,
    (_match, before: string, letter: string) => before + upperCase(letter),
  )
}

/** Go maps one character to one character; JavaScript would make `SS` of `ß` and look at the word's end for `Σ`. */
function upperCase(value: string): string {
  return value.replace(/[^\x00-\x40]/gu, (character) => single(character.toUpperCase(), character))
}

function lowerCase(value: string): string {
  return value.replace(/[^\x00-\x40]/gu, (character) => single(character.toLowerCase(), character))
}

function single(mapped: string, character: string): string {
  return [...mapped].length === 1 ? mapped : character
}

function padText(value: string, before: number, after: number): string {
  if (value === '') return value
  if (before < 0 || after < 0) throw new FunctionError('strings: negative Repeat count')
  return ' '.repeat(Math.min(before, MAX_PADDING)) + value + ' '.repeat(Math.min(after, MAX_PADDING))
}

/** Cuts to a number of bytes, as Docker does. */
function truncateText(value: string, size: number): string {
  const bytes = Buffer.from(value)
  if (size < 0) throw new FunctionError(`runtime error: slice bounds out of range [:${size}]`)
  return bytes.length < size ? value : bytes.subarray(0, size).toString('utf8')
}
