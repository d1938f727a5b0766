import { errnoOf, messageOf } from '../../core/index.ts'

const UNREACHED = [
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
]

/** A request that got no whole answer: nobody listens, certificates are not trusted, the line broke. */
export class ConnectionFailure extends Error {
  /** Whether no connection came about: nobody is there, perhaps nobody ever was. */
  get isUnreached(): boolean {
    return UNREACHED.includes(this.reason)
  }

  /** The system's or the library's name of it: `ECONNREFUSED`. */
  readonly reason: string
  readonly hint: string | undefined
  /** Whether it may be better a moment later. */
  isPassing: boolean
  /** Whether the server may be one that does not speak TLS, or speaks it elsewhere. */
  readonly isBeforeAnswer: boolean

  constructor(
    message: string,
    reason: string,
    rest: { hint?: string; passing: boolean; early: boolean; cause: unknown },
  ) {
    super(message, { cause: rest.cause })
    this.reason = reason
    this.hint = rest.hint
    this.isPassing = rest.passing
    this.isBeforeAnswer = rest.early
  }
}

const DISTRUST = /CERT|ISSUER|SIGNATURE|ALTNAME|UNTRUSTED/
const NOT_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST']
/** They come after the handshake: the server spoke TLS. */
const HEARD = ['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_SOCKET']
/** With TLS 1.3 a server that misses a certificate of ours hangs up after the handshake; its alert is not always read. */
const hintClient = ({ protocol, host }: URL, error: unknown): [string?] =>
  protocol === 'https:' && (error as { socket?: { bytesRead?: number } }).socket?.bytesRead === 0
    ? [`if the registry wants a certificate of ours, put client.cert and client.key into /etc/docker/certs.d/${host}.`]
    : []
const hintCa = ({ host }: URL): string =>
  `if it is a registry of your own, put the certificate of its authority into /etc/docker/certs.d/${host}/ca.crt; if it needs none, list it under insecure-registries in Docker's daemon.json.`
const HINT_HTTP =
  "the registry does not speak TLS. List it under insecure-registries in Docker's daemon.json if you trust the way to it."

/** What went wrong with a request, in Go's words, which Docker's users know. */
export function connectionFailure(error: unknown, method: string, url: URL): ConnectionFailure {
  if (error instanceof ConnectionFailure) return error
  const cause = rootOf(error)
  const reason = errnoOf(cause) ?? ''
  const alert = alertOf(cause)
  const isAlert = alert !== undefined
  const [what, hint] = isAlert ? [`remote error: tls: ${alert}`] : inWords(reason, cause, url)
  return new ConnectionFailure(`${goVerb(method)} "${shown(url)}": ${what}`, reason, {
    ...(hint === undefined ? {} : { hint }),
    passing: !DISTRUST.test(reason) && !isAlert && !NOT_TLS.includes(reason) && reason !== 'ENOTFOUND',
    early: !HEARD.includes(reason) && !isAlert,
    cause: error,
  })
}

/** What a server says in TLS when it refuses us, in Go's words: RFC 8446, section 6.2. */
function alertOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  // OpenSSL calls some of them SSL/TLS_ALERT_
  const [, alert] = /^ERR_SSL_[A-Z0-9_/]*ALERT_([A-Z_]{1,60})$/.exec(code) ?? []
  return alert?.toLowerCase().replaceAll('_', ' ')
}

/** Several addresses that were tried give one error each; the last is that of the address that most have: IPv4. */
function rootOf(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.at(-1)
  return error
}

function inWords(reason: string, error: unknown, url: URL): [string, string?] {
  const { address, port } = error as { address?: string; port?: number }
  const place = address === undefined ? url.host : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
  if (NOT_TLS.includes(reason)) return ['http: server gave HTTP response to HTTPS client', HINT_HTTP]
  if (DISTRUST.test(reason)) return [`tls: failed to verify certificate: ${x509(reason, error)}`, hintCa(url)]
  if (reason === 'UND_ERR_SOCKET') return ['unexpected EOF', ...hintClient(url, error)]
  const words: Readonly<Record<string, string>> = {
    ECONNREFUSED: `dial tcp ${place}: connect: connection refused`,
    EHOSTUNREACH: `dial tcp ${place}: connect: no route to host`,
    ENETUNREACH: `dial tcp ${place}: connect: network is unreachable`,
    ETIMEDOUT: `dial tcp ${place}: connect: connection timed out`,
    ENOTFOUND: `dial tcp: lookup ${url.hostname}: no such host`,
    EAI_AGAIN: `dial tcp: lookup ${url.hostname}: Temporary failure in name resolution`,
    UND_ERR_CONNECT_TIMEOUT: `dial tcp ${place}: i/o timeout`,
    UND_ERR_HEADERS_TIMEOUT: 'net/http: timeout awaiting response headers',
    UND_ERR_BODY_TIMEOUT: 'the registry fell silent',
    ECONNRESET: 'connection reset by peer',
    EPIPE: 'write: broken pipe',
    UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'unexpected EOF',
  }
  return [words[reason] ?? messageOf(error)]
}

function x509(reason: string, error: unknown): string {
  if (reason === 'CERT_HAS_EXPIRED') return 'x509: certificate has expired or is not yet valid'
  if (/SELF_SIGNED|ISSUER|LEAF_SIGNATURE/.test(reason)) return 'x509: certificate signed by unknown authority'
  return `x509: ${messageOf(error)}`
}

function goVerb(method: string): string {
  return method[0] + method.slice(1).toLowerCase()
}

/** A URL for messages: queries may be signed, and so are secrets. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}
