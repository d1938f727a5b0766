import { type ByteString, fail, fromByteString, type SourceSpan, toByteString } from '../../core/index.ts'
import { createIgnoreMatcher, hasWildcard, type IgnoreMatch, type IgnoreMatcher } from '../../dockerfile/index.ts'
import type { Entry } from '../../layer/index.ts'
import type { Excluded, Exclusion } from './exclude.ts'
import { below, cleanPattern, foldersOf, namedEntries, type Selected, type SelectOptions } from './select.ts'
import type { FileSource } from './source.ts'

const EMPTY = toByteString('')

/**
 * What `COPY --parents` takes: as `selectFiles`, but the folders on the way stay, from the root of the source or from
 * the first `/./` of the pattern. `**` crosses folders, and symlinks behind that point are not followed. A plain path
 * must exist; a pattern may match nothing. `--exclude` counts from the same point.
 */
export function selectWithParents(source: FileSource, pattern: string, options: SelectOptions = {}): Selected[] {
  const pivot = pattern.indexOf('/./')
  const inside = cleanPattern(pivot < 0 ? pattern : pattern.slice(pivot + 3))
  const bases = pivot < 0 ? '' : cleanPattern(pattern.slice(0, pivot))
  const found = namedEntries(source, bases, options.span).filter(({ entry }) => entry.kind === 'directory')
  const selected = found.map(({ entry }) => matchesBelow(source, entry, inside, options.exclusion))
  if (!hasWildcard(inside) && !hasWildcard(bases) && selected.every((part) => part === undefined)) {
    throw notFound(source, pattern, options.span)
  }
  return selected.flatMap((part, at) => [{ source, entry: found[at]!.entry, name: EMPTY, top: true }, ...(part ?? [])])
}

/** `undefined` when a plain path is not there. */
function matchesBelow(
  source: FileSource,
  base: Entry,
  pattern: string,
  exclusion: Exclusion | undefined,
): Selected[] | undefined {
  if (pattern === '') return below(source, base, { exclusion })
  const steps = pattern.split('/')
  const firstWild = steps.findIndex(hasWildcard)
  const plain = firstWild < 0 ? steps : steps.slice(0, firstWild)
  const way = folders(source, base, plain, exclusion)
  if (way === undefined) return firstWild < 0 ? undefined : []
  const last = way.at(-1)
  const start = { entry: last?.selected.entry ?? base, name: last?.selected.name ?? EMPTY, excluded: last?.excluded }
  if (last && start.excluded?.excluded && !start.excluded.mayIncludeBelow) return []
  const found =
    firstWild < 0
      ? wholeEntry(source, start, exclusion)
      : searched(source, start, { matcher: createIgnoreMatcher([`${pattern}`]), exclusion })
  // the folders on the way are there because of what is in them
  const isNamed = firstWild < 0 && !start.excluded?.excluded
  if (found.length === 0 && !isNamed) return []
  const onWay = way.slice(0, firstWild < 0 ? -1 : way.length).map(({ selected }) => selected)
  return [...onWay, ...(isNamed ? [last!.selected] : []), ...found]
}

interface Step {
  selected: Selected
  excluded: Excluded | undefined
}

/** A plain path, entry by entry; all but the last must be folders. `undefined` when it is not there. */
function folders(
  source: FileSource,
  base: Entry,
  steps: readonly string[],
  exclusion: Exclusion | undefined,
): Step[] | undefined {
  const way: Step[] = []
  let at: Entry = base
  for (const step of steps) {
    if (at.kind !== 'directory') return undefined
    const before = way.at(-1)
    const entry = source.stat(joined(at.path, toByteString(step)))
    if (!entry) return undefined
    const name = joined(before?.selected.name ?? EMPTY, toByteString(step))
    way.push({ selected: { source, entry, name, top: false }, excluded: exclusion?.of(name, before?.excluded) })
    at = entry
  }
  return way
}

interface Start {
  entry: Entry
  name: ByteString
  excluded: Excluded | undefined
}

function wholeEntry(
  source: FileSource,
  { entry, name, excluded }: Start,
  exclusion: Exclusion | undefined,
): Selected[] {
  return entry.kind === 'directory' ? below(source, entry, { prefix: name, exclusion, excluded }) : []
}

interface Search {
  /** Of what is wanted; its "excluded" means that. */
  matcher: IgnoreMatcher
  exclusion: Exclusion | undefined
}

/** All below a folder that the pattern matches, or that lies in a folder that it matches, with the folders on the way. */
function searched(source: FileSource, start: Start, { matcher, exclusion }: Search): Selected[] {
  const found: Selected[] = []
  const held = new Map<ByteString, Selected>()
  if (start.entry.kind !== 'directory') return []
  const todo: { entry: Entry; name: ByteString; wanted?: IgnoreMatch; excluded: Excluded | undefined }[] = [start]
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    for (const entry of source.list(next.entry.path)) {
      const name = joined(next.name, entry.path.slice(entry.path.lastIndexOf('/') + 1) as ByteString)
      const wanted = matcher.match(fromByteString(name), next.wanted)
      const excluded = exclusion?.of(name, next.excluded)
      const selected = { source, entry, name, top: false }
      const isFolder = entry.kind === 'directory'
      if (isFolder && (excluded?.mayIncludeBelow ?? true)) todo.push({ entry, name, wanted, excluded })
      if (wanted.excluded && !excluded?.excluded) found.push(selected)
      else if (isFolder) held.set(name, selected)
    }
  }
  return [...foldersOf(found, held), ...found]
}

const joined = (folder: ByteString, name: ByteString): ByteString =>
  (folder === '' ? name : `${folder}/${name}`) as ByteString

function notFound(source: FileSource, pattern: string, span: SourceSpan | undefined): Error {
  const message = `"/${cleanPattern(pattern)}": not found ${source.where}`
  return fail('COPY_SOURCE_MISSING', message, { ...(span ? { span } : {}), data: { path: pattern } })
}
