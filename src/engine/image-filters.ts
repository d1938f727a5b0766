import path from 'node:path'
import { fail, parseDuration, parseGoBool } from '../core/index.ts'
import type { Store } from '../store/index.ts'
import { findImage, type ImageSummary } from './images.ts'

/** Conditions by name, as `--filter name=value` gives them; values of one name are alternatives, names add up. */
export type Filters = Readonly<Record<string, readonly string[]>>

type Test = (image: ImageSummary) => boolean

const KNOWN = ['dangling', 'label', 'label!', 'before', 'since', 'until', 'reference']

/** A test for images. Fails with `FILTER_INVALID`, in Docker's words. */
export function imageFilter(store: Store, filters: Filters, allowed: readonly string[] = KNOWN): Test {
  const unknown = Object.keys(filters).find((name) => !allowed.includes(name))
  if (unknown !== undefined) throw fail('FILTER_INVALID', `invalid filter '${unknown}'`)
  const tests: Test[] = []
  for (const [name, values] of Object.entries(filters)) tests.push(TESTS[name]!(store, values))
  return (image) => tests.every((test) => test(image))
}

const TESTS: Record<string, (store: Store, values: readonly string[]) => Test> = {
  dangling: (_store, values) => {
    const wanted = values.map((value) => parseTruth('dangling', value)).at(-1)!
    return (image) => (image.tags.length === 0) === wanted
  },
  // labels add up, unlike other values
  label: (_store, values) => (image) => values.every((value) => hasLabel(image.labels, value)),
  'label!': (_store, values) => (image) => !values.some((value) => hasLabel(image.labels, value)),
  before: (store, values) => {
    const limit = Math.min(...values.map((value) => createdOf(store, value)))
    return (image) => (image.created?.getTime() ?? 0) < limit
  },
  since: (store, values) => {
    const limit = Math.max(...values.map((value) => createdOf(store, value)))
    return (image) => (image.created?.getTime() ?? 0) > limit
  },
  until: (_store, values) => {
    const limit = Math.min(...values.map((value) => parseMoment(value)))
    return (image) => (image.created?.getTime() ?? 0) < limit
  },
  reference: (_store, values) => (image) => namesOf(image).some((name) => matchesAny(name, values)),
}

/** The image with those of its names that the filter `reference` asks for, as Docker lists it. */
export function onlyNamesAskedFor(image: ImageSummary, { reference }: Filters): ImageSummary {
  if (!reference) return image
  const asked = (name: string): boolean => matchesAny(name, reference)
  return { ...image, tags: image.tags.filter(asked), digests: image.digests.filter(asked) }
}

const namesOf = ({ tags, digests }: ImageSummary): string[] => [...tags, ...digests]

/** The value of a filter that is a yes or a no. Fails with `FILTER_INVALID`. */
export function parseTruth(filter: string, value: string): boolean {
  const truth = parseGoBool(value)
  if (truth === undefined) throw fail('FILTER_INVALID', `invalid filter '${filter}=[${value}]'`)
  return truth
}

function hasLabel(labels: Record<string, string>, wanted: string): boolean {
  const cut = wanted.indexOf('=')
  if (cut < 0) return Object.hasOwn(labels, wanted)
  const name = wanted.slice(0, cut)
  return Object.hasOwn(labels, name) && labels[name] === wanted.slice(cut + 1)
}

function createdOf(store: Store, reference: string): number {
  const { created } = findImage(store, reference).image.summary
  return created === undefined ? 0 : Date.parse(created)
}

/** Patterns with `*`, `?` and `[...]`, for the name with or without its tag or digest. */
function matchesAny(name: string, patterns: readonly string[]): boolean {
  const whole = [name, name.replace(/@.*$|:[^/:]*$/, '')]
  return patterns.some((pattern) => whole.some((each) => each === pattern || path.posix.matchesGlob(each, pattern)))
}

/** A point in time as users give it: `24h` ago, Unix seconds, or a date. Unix milliseconds. Fails with `FILTER_INVALID`. */
export function parseMoment(text: string, now: number = Date.now()): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  if (/^\d{4}-\d\d/.test(text) && !Number.isNaN(date)) return date
  try {
    return now - parseDuration(text) / 1e6
  } catch (cause) {
    throw fail('FILTER_INVALID', `failed to parse value as time or duration: "${text}"`, { cause })
  }
}
