import { fail } from '../core/index.ts'
import { contentType } from './connection.ts'
import { shown } from './http/failure.ts'
import { headerOf } from './http/redirect.ts'
import type { Answer } from './http/send.ts'

/** Refuses what cannot be content that a digest stands for: encoded bytes, web pages of proxies. Fails with `REGISTRY_INVALID_ANSWER`. */
export function checkWhole(answer: Pick<Answer, 'headers' | 'url'>): void {
  const encoding = headerOf(answer, 'content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (encoding !== 'identity' && encoding !== '') {
    const what = `content in the encoding ${JSON.stringify(encoding.slice(0, 50))}, which nobody asked for`
    throw fail('REGISTRY_INVALID_ANSWER', `${shown(answer.url)}: the registry answered ${what}`)
  }
  if (contentType(answer) === 'text/html') {
    throw fail('REGISTRY_INVALID_ANSWER', `${shown(answer.url)}: the answer is a web page, not content of a registry`, {
      hint: 'a proxy or a login page may stand in between.',
    })
  }
}

/** The `Content-Range` of an answer: first and last offset, and the size of the whole if it says that (RFC 9110, 14.4). */
export function contentRange(
  answer: Pick<Answer, 'headers'>,
): { first: number; last: number; size?: number } | undefined {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(headerOf(answer, 'content-range')?.trim() ?? '')
  if (!match) return undefined
  const [, first, last, size] = match
  return { first: Number(first), last: Number(last), ...(size === '*' ? {} : { size: Number(size) }) }
}
