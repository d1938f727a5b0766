import { isIP } from 'node:net'
import { fail } from '../../../core/index.ts'

/** What decides whether an address may be served. */
export interface Exposure {
  /** Host that is listened at; empty for all addresses. */
  readonly host: string
  /** Whether some requests are refused: there are users, rules or certificates of clients. */
  readonly isGuarded: boolean
  readonly hasTls: boolean
  /** Whether somebody said that it is meant. */
  readonly isMeant: boolean
}

/**
 * Refuses to be open to the network by accident: an address that is not loopback needs users and TLS, or somebody who
 * says that it is meant. Fails with `REGISTRY_EXPOSED`.
 */
export function checkExposure({ host, isGuarded, hasTls, isMeant }: Exposure): void {
  if (isMeant || isLoopback(host) || (isGuarded && hasTls)) return
  const missing = [...(isGuarded ? [] : ['users']), ...(hasTls ? [] : ['TLS'])].join(' and without ')
  const danger = isGuarded
    ? 'passwords and images would cross the network in the clear'
    : 'everybody who reaches it could push and delete'
  throw fail('REGISTRY_EXPOSED', `refusing to listen at ${host || 'all addresses'} without ${missing}: ${danger}`, {
    hint: `Add ${isGuarded ? '' : '[access] htpasswd'}${isGuarded || hasTls ? '' : ' and '}${hasTls ? '' : '[tls] cert and key'} to the configuration, listen at 127.0.0.1, or say that it is meant: --insecure, or [access] insecure = true (behind a proxy that speaks TLS, say).`,
  })
}

/** Whether only this machine can reach a host's address. A name counts as one that others reach, but for `localhost`. */
export function isLoopback(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '').toLowerCase()
  if (plain === 'localhost' || plain === '::1') return true
  return isIP(plain) === 4 && plain.startsWith('127.')
}
