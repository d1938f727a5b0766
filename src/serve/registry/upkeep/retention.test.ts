import fc from 'fast-check'
import { expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { parsePattern } from '../pattern.ts'
import { judgeTags, type KeepTags, ruleFor, type TagFacts } from './retention.ts'

const NOW = Date.UTC(2026, 0, 31)
const DAY = 86_400_000

const patterns = (...texts: string[]) => texts.map((text) => parsePattern(text)!)
const keep = (
  tags: string[],
  rest: Partial<Omit<KeepTags, 'tags' | 'except'>> & { except?: string[] } = {},
): KeepTags => ({
  ...rest,
  tags: patterns(...tags),
  except: patterns(...(rest.except ?? [])),
})
const tag = (name: string, pushedDaysAgo: number, pulledDaysAgo?: number): TagFacts => ({
  name,
  digest: digestOf(name),
  pushedAt: NOW - pushedDaysAgo * DAY,
  pulledAt: pulledDaysAgo === undefined ? undefined : NOW - pulledDaysAgo * DAY,
})
const rule = (...keepTags: KeepTags[]) => ({ repositories: patterns('**'), keepTags })
const none = () => false

const kept = (entries: KeepTags[], tags: TagFacts[], immutable: (name: string) => boolean = none): string[] =>
  judgeTags(rule(...entries), tags, { now: NOW, immutable })
    .filter((verdict) => verdict.keep)
    .map((verdict) => verdict.tag.name)

const TAGS = [
  tag('latest', 40, 0),
  tag('v1', 40, 39),
  tag('v2', 20),
  tag('v3', 1, 0),
  tag('dev-1', 30),
  tag('dev-2', 3, 2),
  tag('dev-3', 2),
]
const ALL = TAGS.map(({ name }) => name)

test.each<[string, KeepTags[], string[]]>([
  ['no entry: everything stays', [], ALL],
  ['what no entry speaks of stays', [keep(['dev-*'], { lastPushed: 1 })], ['latest', 'v1', 'v2', 'v3', 'dev-3']],
  ['the last two pushed', [keep(['**'], { lastPushed: 2 })], ['v3', 'dev-3']],
  ['the last two used', [keep(['**'], { lastPulled: 2 })], ['latest', 'v3']],
  ['pushed within', [keep(['**'], { pushedWithin: 3 * DAY })], ['v3', 'dev-2', 'dev-3']],
  [
    'pulled within; a new one counts as used',
    [keep(['**'], { pulledWithin: 2 * DAY })],
    ['latest', 'v3', 'dev-2', 'dev-3'],
  ],
  ['conditions of an entry add up', [keep(['**'], { lastPushed: 1, pulledWithin: 0 })], ['latest', 'v3']],
  ['entries add up', [keep(['**'], { lastPushed: 1 }), keep(['v*', 'latest'])], ['latest', 'v1', 'v2', 'v3']],
  ['exceptions are not spoken of', [keep(['**'], { lastPushed: 0, except: ['latest'] })], ['latest']],
  ['none at all', [keep(['**'], { lastPushed: 0 })], []],
])('%s', (_, entries, expected) => {
  expect(kept(entries, TAGS)).toEqual(expected)
})

test('immutable tags and tags of signatures stay', () => {
  const signature = tag(`sha256-${'a'.repeat(64)}.sig`, 100)
  expect(kept([keep(['**'], { lastPushed: 0 })], [...TAGS, signature], (name) => name === 'v1')).toEqual([
    'v1',
    signature.name,
  ])
})

test('a signature takes no place among the last', () => {
  const signature = tag(`sha256-${'a'.repeat(64)}.sig`, 0)
  expect(kept([keep(['**'], { lastPushed: 1 })], [tag('a', 5), tag('b', 6), signature])).toEqual(['a', signature.name])
})

test('the reason is told', () => {
  const entries = [keep(['dev-*'], { lastPushed: 1, pushedWithin: 7 * DAY })]
  const why = judgeTags(rule(...entries), TAGS, { now: NOW, immutable: none }).map((verdict) => verdict.why)
  expect(why).toEqual([
    'no rule speaks of it',
    'no rule speaks of it',
    'no rule speaks of it',
    'no rule speaks of it',
    'not pushed within 1w, not among the last 1 pushed of dev-*',
    'pushed within 1w',
    'pushed within 1w',
  ])
})

test('the first rule that names the repository counts', () => {
  const rules = [
    { repositories: patterns('prod/**'), keepTags: [] },
    { repositories: patterns('**'), keepTags: [keep(['**'], { lastPushed: 1 })] },
  ]
  expect(ruleFor(rules, 'prod/app')).toBe(rules[0])
  expect(ruleFor(rules, 'app')).toBe(rules[1])
  expect(ruleFor([rules[0]!], 'app')).toBeUndefined()
})

test('the last N keep exactly N, and the newest', () => {
  const ages = fc.uniqueArray(fc.nat(1000), { maxLength: 30 })
  fc.assert(
    fc.property(ages, fc.nat(40), (days, count) => {
      const tags = days.map((age) => tag(`t${age}`, age))
      const names = kept([keep(['**'], { lastPushed: count })], tags)
      const expected = [...days].sort((a, b) => a - b).slice(0, count)
      expect(new Set(names)).toEqual(new Set(expected.map((age) => `t${age}`)))
    }),
  )
})
