import type { Difference, ExplainedStep, FileFacts } from '../../engine/index.ts'
import { escapeMessage } from './escape.ts'
import { humanSize } from './sizes.ts'

/** Reasons that are shown of one step; `--explain=json` has more. */
const MOST_SHOWN = 20

/** Why steps hit or missed the cache, for people. */
export function renderExplanation(steps: readonly ExplainedStep[]): string {
  const width = String(steps.length).length
  return steps.map((step) => renderStep(step, width)).join('')
}

function renderStep(step: ExplainedStep, width: number): string {
  const head = `${String(step.number).padStart(width)}  ${step.result.padEnd(6)}  ${escapeMessage(step.label)}`
  const reasons = step.differences.slice(0, MOST_SHOWN).flatMap(reasonLines)
  const more = step.differences.length - MOST_SHOWN + (step.omitted ?? 0)
  const rest = more > 0 ? [`and ${more} more`] : []
  const asked = step.differences[0]?.part !== 'no-cache'
  const same = step.sameResult ? [`same result as before${asked ? ': the steps after it keep their cache' : ''}`] : []
  const indent = ' '.repeat(width + 10)
  return [head, ...[...reasons, ...rest, ...same].map((line) => indent + line)].map((line) => `${line}\n`).join('')
}

/** The first reason for a miss on one line, for messages. */
export function firstReason(step: ExplainedStep): string {
  const [first] = step.differences
  return first ? reasonLines(first).join(' ').replace(/ +/g, ' ') : 'the cache had nothing'
}

const EVICTIONS: Readonly<Record<string, string>> = {
  pruned: 'it was pruned',
  'layers-missing': 'its layers are gone',
}

function reasonLines(difference: Difference): string[] {
  if ('change' in difference) return [fileLine(difference)]
  switch (difference.part) {
    case 'new':
      return ['new: nothing like it was built before']
    case 'no-cache':
      return ['no-cache: the cache was not to be asked']
    case 'hidden':
      return ['a value that is not shown has changed']
    case 'evicted': {
      const { reason = '', at = '' } = difference as { reason?: string; at?: string }
      return [`evicted: the cache had it, but ${EVICTIONS[reason] ?? reason} (${at.replace(/\.\d+Z$/, 'Z')})`]
    }
    default:
      return valueLines(difference as Value)
  }
}

interface Value {
  part: string
  name?: string
  from?: string
  old?: string
  new?: string
  because?: string
}

function valueLines({ part, name, from, old, new: now, because }: Value): string[] {
  const what = escapeMessage(name === undefined ? part : `${from ?? part} ${name}`)
  const why = because === undefined ? '' : ` (${escapeMessage(because)})`
  if (old === undefined && now === undefined) return [`${what} changed${why}`]
  if (old === undefined) return [`${what} added: ${brief(now!)}${why}`]
  if (now === undefined) return [`${what} removed: ${brief(old)}${why}`]
  const line = `${what} changed: ${brief(old)} -> ${brief(now)}${why}`
  if (part !== 'command' && part !== 'script' && !/\n/.test(old + now) && line.length < 160) return [line]
  return [`${what} changed:${why}`, ...changedLines(old, now)]
}

const MOST_LINES = 12

/** The lines that differ, those before and after them left out. */
function changedLines(old: string, now: string): string[] {
  const [before, after] = [old.split('\n'), now.split('\n')]
  let start = 0
  while (start < Math.min(before.length, after.length) && before[start] === after[start]) start++
  let end = 0
  while (end < Math.min(before.length, after.length) - start && before.at(-1 - end) === after.at(-1 - end)) end++
  const lines = (sign: string, all: string[]): string[] => {
    const differing = all.slice(start, all.length - end)
    const shown = differing.slice(0, MOST_LINES).map((line) => `  ${sign} ${brief(line)}`)
    return differing.length > MOST_LINES ? [...shown, `  ${sign} ...`] : shown
  }
  return [...lines('-', before), ...lines('+', after)]
}

function fileLine({ name, mount, change, old, new: now }: Extract<Difference, { change: string }>): string {
  const path = `${escapeMessage(name)}${mount === undefined ? '' : ` in mount ${escapeMessage(mount)}`}`
  if (!old || !now) return `file ${change}: ${path}${factsText(old ?? now)}`
  const parts = [
    old.kind === now.kind ? undefined : `${old.kind} -> ${now.kind}`,
    old.size === now.size ? undefined : `${humanSize(old.size)} -> ${humanSize(now.size)}`,
    old.mode === now.mode ? undefined : `mode ${old.mode} -> ${now.mode}`,
    owner(old) === owner(now) ? undefined : `owner ${owner(old)} -> ${owner(now)}`,
    old.digest === now.digest ? undefined : `${short(old.digest)} -> ${short(now.digest)}`,
    old.link === now.link ? undefined : `link ${escapeMessage(old.link ?? '')} -> ${escapeMessage(now.link ?? '')}`,
  ].filter((part) => part !== undefined)
  return `file changed: ${path} (${parts.length > 0 ? parts.join(', ') : 'attributes'})`
}

function factsText(facts: FileFacts | undefined): string {
  if (!facts) return ''
  if (facts.kind !== 'file') return ` (${facts.kind})`
  return ` (${humanSize(facts.size)}, mode ${facts.mode}, ${short(facts.digest)})`
}

const owner = ({ uid, gid }: FileFacts): string => `${uid}:${gid}`

/** As much of a digest as tells two apart. */
const short = (digest = ''): string => digest.slice(0, 19)

const LONGEST = 200

function brief(text: string): string {
  const shown = escapeMessage(/^sha256:[0-9a-f]{64}$/.test(text) ? short(text) : text)
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST - 3)}...` : shown
}
