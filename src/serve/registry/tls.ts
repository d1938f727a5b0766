import * as v from 'valibot'

/** The table `[tls]` of the configuration: files of the certificate chain and its key, PEM. */
export interface TlsFiles {
  cert: string
  key: string
}

/** Judges `[tls]`. */
export const tlsSchema: v.GenericSchema<unknown, TlsFiles> = v.strictObject({ cert: v.string(), key: v.string() })
