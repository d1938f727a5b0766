import type { IncomingMessage } from 'node:http'
import type { Chance } from './chance.ts'

/**
 * What a proxy does to one request. `at` is how much of the body passes before it happens, from 0 to 1.
 * `refuse`: the connection is reset at once. `status`: an answer that is not the server's. `lose`: the server does it, and
 * the answer is lost. `reset`, `cut`, `stall`: of an answer only the first part comes. `break`: of a request only the
 * first part goes. `slow` is no fault, only slow.
 */
export type Fault =
  | { readonly kind: 'refuse' | 'lose' | 'slow' }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: 'reset' | 'cut' | 'stall' | 'break'; readonly at: number }

const STATUSES = [429, 500, 502, 503, 504]

/** A fault that this request can have. */
export function chooseFault({ method, url = '' }: IncomingMessage, chance: Chance): Fault {
  const kinds: Fault['kind'][] = ['refuse', 'status', 'status', 'slow']
  if (method === 'GET') kinds.push('reset', 'reset', 'cut', 'cut', 'stall')
  else if (method !== 'HEAD') kinds.push('lose', 'lose')
  if (/\/uploads\/./.test(url) && (method === 'PATCH' || method === 'PUT')) kinds.push('break', 'break', 'break')
  const kind = chance.pick(kinds)
  if (kind === 'status') return chooseStatus(chance)
  if (kind === 'reset' || kind === 'cut' || kind === 'stall' || kind === 'break') return { kind, at: chance.next() }
  return { kind }
}

function chooseStatus(chance: Chance): Fault {
  const status = chance.pick(STATUSES)
  const times = ['0', '1', new Date(Date.now() + 1000).toUTCString(), undefined, undefined]
  const retryAfter = status === 429 || status === 503 ? chance.pick(times) : undefined
  return { kind: 'status', status, ...(retryAfter === undefined ? {} : { retryAfter }) }
}
