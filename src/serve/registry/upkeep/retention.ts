import type { Digest } from '../../../core/index.ts'
import { matchesAny, type Pattern } from '../pattern.ts'
import { formatSpan } from './quantities.ts'

/** What retention knows of a tag. Times are Unix milliseconds. */
export interface TagFacts {
  name: string
  digest: Digest
  pushedAt: number
  /** When it was last pulled, if ever. */
  pulledAt: number | undefined
}

/**
 * Which of the tags that it speaks of stay: those that meet any of its conditions; all of them when it has none.
 * A tag that was never pulled counts as pulled when it was pushed, so that a new one is not taken before its first use.
 */
export interface KeepTags {
  tags: readonly Pattern[]
  except: readonly Pattern[]
  /** Milliseconds. */
  pushedWithin?: number
  pulledWithin?: number
  /** How many of the tags pushed (pulled) last. */
  lastPushed?: number
  lastPulled?: number
}

/** What stays in some repositories. Tags that no entry speaks of stay. */
export interface RetentionRule {
  repositories: readonly Pattern[]
  keepTags: readonly KeepTags[]
}

/** What is to become of a tag, and why, in words. */
export interface TagVerdict {
  tag: TagFacts
  keep: boolean
  why: string
}

/** Tags under which clients without the referrers API keep signatures and such: they go with what they are about. */
const FOLLOWER = /^sha(256|384|512)-[a-f0-9]{64,128}(\..{1,32})?$/

/** The rule for a repository: the first that names it. */
export function ruleFor(rules: readonly RetentionRule[], repository: string): RetentionRule | undefined {
  return rules.find((rule) => matchesAny(rule.repositories, repository))
}

/**
 * What the rule says about all tags of a repository, in the order given. A tag stays when any entry that speaks of it
 * keeps it. Tags for which `immutable` holds stay always.
 */
export function judgeTags(
  rule: RetentionRule,
  tags: readonly TagFacts[],
  { now, immutable }: { now: number; immutable: (tag: string) => boolean },
): TagVerdict[] {
  const judges = rule.keepTags.map((keep) => createJudge(keep, tags, now))
  return tags.map((tag) => {
    if (immutable(tag.name)) return { tag, keep: true, why: 'it is immutable' }
    if (FOLLOWER.test(tag.name)) return { tag, keep: true, why: 'it goes with the image that it is about' }
    const verdicts = judges.map((judge) => judge(tag)).filter((verdict) => verdict !== undefined)
    if (verdicts.length === 0) return { tag, keep: true, why: 'no rule speaks of it' }
    const reason = verdicts.find(({ keep }) => keep)
    return { tag, keep: reason !== undefined, why: reason?.why ?? verdicts.map(({ why }) => why).join('; ') }
  })
}

type Judge = (tag: TagFacts) => { keep: boolean; why: string } | undefined

/** A condition of an entry: what it is called, and whom it keeps. */
interface Condition {
  text: string
  holds(tag: TagFacts): boolean
}

function createJudge(keep: KeepTags, all: readonly TagFacts[], now: number): Judge {
  const speaksOf = ({ name }: TagFacts): boolean => matchesAny(keep.tags, name) && !matchesAny(keep.except, name)
  const conditions = conditionsOf(
    keep,
    all.filter((tag) => speaksOf(tag) && !FOLLOWER.test(tag.name)),
    now,
  )
  const names = keep.tags.map(({ text }) => text).join(', ')
  return (tag) => {
    if (!speaksOf(tag)) return undefined
    if (conditions.length === 0) return { keep: true, why: `${names} is kept` }
    const met = conditions.find(({ holds }) => holds(tag))
    if (met) return { keep: true, why: met.text }
    return { keep: false, why: `not ${conditions.map(({ text }) => text).join(', not ')} of ${names}` }
  }
}

function conditionsOf(keep: KeepTags, tags: readonly TagFacts[], now: number): Condition[] {
  const { pushedWithin, pulledWithin, lastPushed, lastPulled } = keep
  const conditions: Condition[] = []
  if (pushedWithin !== undefined)
    conditions.push({
      text: `pushed within ${formatSpan(pushedWithin)}`,
      holds: ({ pushedAt }) => now - pushedAt <= pushedWithin,
    })
  if (pulledWithin !== undefined)
    conditions.push({
      text: `pulled within ${formatSpan(pulledWithin)}`,
      holds: (tag) => now - usedAt(tag) <= pulledWithin,
    })
  if (lastPushed !== undefined) conditions.push(amongLatest(tags, lastPushed, 'pushed', ({ pushedAt }) => pushedAt))
  if (lastPulled !== undefined) conditions.push(amongLatest(tags, lastPulled, 'pulled', usedAt))
  return conditions
}

function amongLatest(
  tags: readonly TagFacts[],
  count: number,
  what: string,
  time: (tag: TagFacts) => number,
): Condition {
  const order = [...tags].sort((a, b) => time(b) - time(a) || (a.name < b.name ? -1 : 1))
  const chosen = new Set(order.slice(0, count).map(({ name }) => name))
  return { text: `among the last ${count} ${what}`, holds: ({ name }) => chosen.has(name) }
}

function usedAt({ pushedAt, pulledAt }: TagFacts): number {
  return Math.max(pushedAt, pulledAt ?? 0)
}
