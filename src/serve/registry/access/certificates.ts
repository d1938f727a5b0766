import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions, type Server, type TlsOptions } from 'node:tls'
import { fail, messageOf } from '../../../core/index.ts'
import type { TlsFiles } from '../tls.ts'

/** Milliseconds between two looks at the files. */
const LOOK_EVERY = 10_000

/**
 * The certificate files of a server. They are read again when one of them changes, and on SIGHUP; connections that stand
 * keep what they have. Files that cannot be used are reported, and the old ones stay in use.
 */
export class Certificates implements Disposable {
  readonly #files: TlsFiles
  readonly #onProblem: (message: string) => void
  readonly #onHangup: () => void
  #timer: NodeJS.Timeout | undefined
  #server: Server | undefined
  #context: SecureContextOptions
  #seen: string

  /** Fails with `CERTIFICATE_INVALID`. */
  constructor(files: TlsFiles, onProblem: (message: string) => void = () => {}) {
    this.#files = files
    this.#onProblem = onProblem
    this.#onHangup = () => this.reload()
    this.#seen = stampOf(files)
    this.#context = readCertificates(files)
  }

  /** What a server is made with: TLS 1.2 and later; a certificate is asked of clients if there is an authority for them. */
  get options(): TlsOptions {
    // A client without a certificate may still have a password: whether one is enough is decided per request.
    const asks = this.#files.client_ca === undefined ? {} : { requestCert: true, rejectUnauthorized: false }
    return { ...this.#context, ...asks }
  }

  /** Keeps the certificates of this server up to date from now on. */
  attach(server: Server): void {
    this.#server = server
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY).unref()
    process.on('SIGHUP', this.#onHangup)
  }

  /** Reads the files again. */
  reload(): void {
    try {
      this.#seen = stampOf(this.#files)
      this.#context = readCertificates(this.#files)
      this.#server?.setSecureContext(this.#context)
    } catch (error) {
      this.#onProblem(`${messageOf(error)}; the certificate that was read before stays in use`)
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    process.off('SIGHUP', this.#onHangup)
  }

  #look(): void {
    if (stampOf(this.#files) !== this.#seen) this.reload()
  }
}

function readCertificates({ cert, key, client_ca }: TlsFiles): SecureContextOptions {
  const context: SecureContextOptions = {
    cert: readPem(cert),
    key: readPem(key),
    minVersion: 'TLSv1.2',
    ...(client_ca === undefined ? {} : { ca: readPem(client_ca) }),
  }
  try {
    createSecureContext(context)
    if (client_ca !== undefined) new X509Certificate(context.ca as Buffer)
  } catch (cause) {
    const files = [cert, key, ...(client_ca === undefined ? [] : [client_ca])].join(', ')
    throw fail('CERTIFICATE_INVALID', `cannot use ${files}: ${messageOf(cause)}`, {
      hint: 'The certificate comes first in its file, then those of its authorities; the key belongs to it; all are PEM.',
      cause,
    })
  }
  return context
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (cause) {
    throw fail('CERTIFICATE_INVALID', `cannot read ${file}: ${messageOf(cause)}`, { cause })
  }
}

function stampOf({ cert, key, client_ca }: TlsFiles): string {
  return [cert, key, client_ca].map((file) => (file === undefined ? '' : stampOfFile(file))).join()
}

function stampOfFile(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs} ${stat.ctimeMs}` : ''
}
