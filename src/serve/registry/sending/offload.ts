import path from 'node:path'
import * as v from 'valibot'
import type { BlobPlace } from '../extensions.ts'
import type { Part } from '../parts.ts'

/** The table `[offload]` of the configuration: who sends blobs in our place. */
export interface OffloadConfig {
  /** The internal location of an nginx before us whose files are the registry's folder; named in `X-Accel-Redirect`. */
  accel_location?: string | undefined
  /** A URL below which another server has the registry's folder; clients are sent there. */
  redirect?: string | undefined
}

/** Judges `[offload]`. */
export const offloadSchema: v.GenericSchema<unknown, OffloadConfig> = v.pipe(
  v.strictObject({
    accel_location: v.optional(v.pipe(v.string(), v.regex(/^\/[\w./-]*$/, 'must be a path'))),
    redirect: v.optional(v.pipe(v.string(), v.regex(/^https?:\/\/[^\s?#]+$/, 'must be an http or https address'))),
  }),
  v.check(
    ({ accel_location, redirect }) => accel_location === undefined || redirect === undefined,
    'accel_location and redirect exclude each other',
  ),
)

/** Lets others send what `[offload]` says. Rights are checked before, here; what the others do is theirs. */
export const offloadPart: Part = ({ config, folder }) => {
  const { accel_location: location, redirect } = config.offload ?? {}
  const base = location ?? redirect
  if (base === undefined) return {}
  const kind = location === undefined ? 'redirect' : 'accel'
  const elsewhere = (file: string): BlobPlace | undefined => {
    const parts = path.relative(folder, file).split(path.sep)
    // content of a local store lies outside
    if (parts[0] === '..') return undefined
    return { kind, address: [base.replace(/\/$/, ''), ...parts.map(encodeURIComponent)].join('/') }
  }
  return { elsewhere: (blob) => elsewhere(blob.path) }
}
