import { fail } from '../../core/index.ts'

/** Who has the user's secrets, if there are any. */
export interface SecretKeeper {
  secret?(id: string): Buffer | undefined
}

/**
 * What the user's secrets say for a host: `HTTP_AUTH_HEADER_<host>` is the header `Authorization` itself,
 * `HTTP_AUTH_TOKEN_<host>` a bearer token; the host with its port counts before the host alone.
 * Fails with `SECRET_INVALID` for one that is no single line of text.
 */
export function httpAuthorization(keeper: SecretKeeper, url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  for (const host of hostNames(new URL(url))) {
    const header = oneLine(`HTTP_AUTH_HEADER_${host}`, keeper)
    if (header !== undefined) return header
    const token = oneLine(`HTTP_AUTH_TOKEN_${host}`, keeper)
    if (token !== undefined) return `Bearer ${token}`
  }
  return undefined
}

/** How secrets may name a host: with its port, and without. */
export function hostNames({ host, hostname }: URL): string[] {
  return host === hostname ? [host] : [host, hostname]
}

/** The text of a secret that becomes a header; `undefined` when there is none, or nothing in it. */
export function oneLine(id: string, keeper: SecretKeeper): string | undefined {
  const text = keeper.secret?.(id)?.toString().trim()
  if (!text) return undefined
  if (/^[\t\x20-\x7e]+$/.test(text)) return text
  throw fail('SECRET_INVALID', `the secret ${id} is no single line of plain text`)
}
