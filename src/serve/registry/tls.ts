import * as v from 'valibot'

/** The table `[tls]` of the configuration: files of the certificate chain and its key, PEM. */
export interface TlsFiles {
  cert: string
  key: string
  /** Authorities of clients' certificates; who has one is the user of its common name. */
  client_ca?: string | undefined
}

/** Judges `[tls]`. */
export const tlsSchema: v.GenericSchema<unknown, TlsFiles> = v.strictObject({
  cert: v.string(),
  key: v.string(),
  client_ca: v.optional(v.string()),
})
