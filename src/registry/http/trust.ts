import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { fail, messageOf } from '../../core/index.ts'
import type { TlsSettings } from '../settings.ts'

let known: readonly string[] | undefined

/**
 * Authorities of this machine, as OpenSSL finds them (`SSL_CERT_FILE`, `SSL_CERT_DIR`), and those of
 * `NODE_EXTRA_CA_CERTS`; where the machine has none, those that come with Node.js.
 */
function machineAuthorities(): readonly string[] {
  const system = getCACertificates('system')
  known ??= [
    ...new Set([...(system.length > 0 ? system : getCACertificates('bundled')), ...getCACertificates('extra')]),
  ]
  return known
}

/** What connections with these settings trust and show: nobody of this machine's where nothing is verified. Fails with `REGISTRY_CONFIG_INVALID`. */
export function secureContext({ ca, client, verify }: TlsSettings): SecureContext {
  try {
    return createSecureContext({ ca: verify ? [...machineAuthorities(), ...ca] : [...ca], ...client })
  } catch (error) {
    throw fail('REGISTRY_CONFIG_INVALID', `a certificate or key for a registry cannot be read: ${messageOf(error)}`, {
      cause: error,
      hint: 'certificates and keys are files in PEM format; the key must belong to its certificate and have no password.',
    })
  }
}
