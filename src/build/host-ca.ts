import { existsSync } from 'node:fs'
import { fail } from '../core/index.ts'

/** Where the certificates of `--host-ca` appear inside a step: below /dev, which is never part of a layer. */
export const HOST_CA_PATH = '/dev/slipway-host-ca.crt'

/** How programs are told to trust one file of certificate authorities. */
const VARIABLES = [
  'SSL_CERT_FILE',
  'NODE_EXTRA_CA_CERTS',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'GIT_SSL_CAINFO',
  'AWS_CA_BUNDLE',
  'CARGO_HTTP_CAINFO',
  'DENO_CERT',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
  'HTTPLIB2_CA_CERTS',
  'NIX_SSL_CERT_FILE',
  'npm_config_cafile',
]

// Debian and its relatives; Fedora and its relatives; openSUSE; Alpine
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

/** The environment that makes a step trust `HOST_CA_PATH`; what the image or Dockerfile sets itself stays. */
export function hostCaEnv(env: readonly string[]): string[] {
  const set = new Set(env.map((pair) => pair.slice(0, pair.indexOf('='))))
  return VARIABLES.filter((name) => !set.has(name)).map((name) => `${name}=${HOST_CA_PATH}`)
}

/** This machine's file of certificate authorities. Fails with `HOST_CA_MISSING`. */
export function findHostCa(environment: NodeJS.ProcessEnv = process.env): string {
  const named = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'].flatMap((name) => environment[name] || [])
  const found = [...named, ...BUNDLES].find((file) => existsSync(file))
  if (found) return found
  throw fail('HOST_CA_MISSING', '--host-ca: no file of certificate authorities was found on this machine', {
    hint: 'install ca-certificates, or name a file in SSL_CERT_FILE',
  })
}
