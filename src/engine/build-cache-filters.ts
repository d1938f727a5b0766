import { fail, parseGoBool } from '../core/index.ts'
import type { CacheRecord } from './build-cache-record.ts'
import { type Filters, parseMoment } from './image-filters.ts'

type Test = (record: CacheRecord) => boolean

/** A test for records of the build cache; several filters add up. Fails with `FILTER_INVALID`. */
export function cacheFilter(filters: Filters): Test {
  const tests = Object.entries(filters).flatMap(([name, values]) => values.map((value) => testOf(name, value)))
  return (record) => tests.every((test) => test(record))
}

function testOf(name: string, value: string): Test {
  if (name.endsWith('!')) {
    const test = testOf(name.slice(0, -1), value)
    return (record) => !test(record)
  }
  if (name.endsWith('~')) return matching(name.slice(0, -1), value)
  const make = TESTS[name]
  if (!make)
    throw fail('FILTER_INVALID', `invalid filter '${name}'`, { hint: `known: ${Object.keys(TESTS).join(', ')}` })
  return make(value)
}

const TEXTS: Readonly<Record<string, (record: CacheRecord) => string>> = {
  id: ({ id }) => id,
  type: ({ type }) => type,
  description: ({ description }) => description,
}

/** `NAME~=PATTERN`, a regular expression. */
function matching(name: string, value: string): Test {
  const textOf = TEXTS[name]
  if (!textOf)
    throw fail('FILTER_INVALID', `invalid filter '${name}~'`, {
      hint: `patterns are for ${Object.keys(TEXTS).join(', ')}`,
    })
  try {
    const pattern = new RegExp(value)
    return (record) => pattern.test(textOf(record))
  } catch (cause) {
    throw fail('FILTER_INVALID', `invalid pattern in filter '${name}~=${value}'`, { cause })
  }
}

/** A filter that is a yes or a no may stand without a value: `inuse`. */
const yes = (value: string): boolean => parseGoBool(value) ?? true

const TESTS: Readonly<Record<string, (value: string) => Test>> = {
  id: (value) => (record) => record.id.startsWith(value),
  type: (value) => (record) => record.type === value,
  description: (value) => (record) => record.description.includes(value),
  until: unusedSince,
  'unused-for': unusedSince,
  inuse: (value) => (record) => record.inUse === yes(value),
  shared: (value) => (record) => record.shared === yes(value),
  private: (value) => (record) => record.shared !== yes(value),
  mutable: (value) => (record) => record.mutable === yes(value),
  immutable: (value) => (record) => record.mutable !== yes(value),
}

function unusedSince(value: string): Test {
  const moment = parseMoment(value)
  return (record) => record.usedAt <= moment
}
