import { createHmac } from 'node:crypto'
import { messageOf } from '../../../core/index.ts'
import type { Envelope } from './envelope.ts'

/** Where a hook is reached. */
export interface HookAddress {
  url: string
  headers: Readonly<Record<string, string>>
  /** Signs the body: `X-Hub-Signature-256: sha256=<HMAC in hex>`, as GitHub's hooks do. */
  secret?: string
  /** Milliseconds until an attempt is given up. */
  timeout: number
}

/**
 * Sends one envelope. The answer is `undefined` when it arrived (any 2xx), otherwise what went wrong. Redirects are not
 * followed: they would carry the signature and the headers to another place.
 */
export async function deliver(
  { url, headers, secret, timeout }: HookAddress,
  { contentType, body }: Envelope,
  stop: AbortSignal,
): Promise<string | undefined> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: {
        'user-agent': 'slipway-registry',
        ...headers,
        'content-type': contentType,
        ...signature(body, secret),
      },
      redirect: 'manual',
      signal: AbortSignal.any([stop, AbortSignal.timeout(timeout)]),
    })
    await response.body?.cancel()
    return response.ok ? undefined : `answered ${response.status}`
  } catch (error) {
    return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error)
  }
}

/** Milliseconds to wait after so many failed attempts: 1 s doubling to 10 min, less up to a quarter by chance. */
export function backOff(attempts: number, chance: number = Math.random()): number {
  const whole = Math.min(600_000, 1000 * 2 ** Math.min(attempts - 1, 20))
  return Math.round(whole * (1 - chance / 4))
}

function signature(body: string, secret: string | undefined): Record<string, string> {
  if (secret === undefined) return {}
  return { 'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` }
}
