import type { Digest } from '../../../core/index.ts'
import { refuse } from '../failure.ts'

/** The entity tag of content: its digest, quoted. */
export function etagOf(digest: Digest): string {
  return `"${digest}"`
}

/** Whether a list of entity tags (RFC 9110, 13.1) holds this one; digests without quotes are understood as well. */
export function matchesEtag(header: string | undefined, digest: Digest | undefined): boolean {
  if (header === undefined || digest === undefined) return false
  if (header.trim() === '*') return true
  return header.split(',').some((tag) => unquoted(tag.trim()) === digest)
}

/** Stops a change unless what is there now is what the caller says it knows: 412. */
export function checkConditions(
  headers: { 'if-match'?: string | undefined; 'if-none-match'?: string | undefined },
  current: () => Digest | undefined,
): void {
  const { 'if-match': expected, 'if-none-match': refused } = headers
  if (expected === undefined && refused === undefined) return
  const digest = current()
  const holds = (expected === undefined || matchesEtag(expected, digest)) && !matchesEtag(refused, digest)
  if (!holds)
    throw refuse('DENIED', 'precondition failed: it is not what you expect', {
      status: 412,
      detail: { current: digest },
    })
}

function unquoted(tag: string): string {
  return tag.replace(/^(?:W\/)?"(.*)"$/, '$1')
}
