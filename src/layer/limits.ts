import { type ByteString, fail, fromByteString } from '../core/index.ts'

/** How much a layer may ask for. Everything that is beyond is refused, with the entry that asked. */
export interface LayerLimits {
  /** Names in the archive, and directories that they imply. */
  entries: number
  /** Length of one path, in bytes, after symlinks inside of the layer are resolved. */
  pathBytes: number
  /** Directories above one name. */
  depth: number
  /** One PAX header, or one GNU long name. */
  paxBytes: number
  /** Extended attributes of one entry, names and values. */
  xattrBytes: number
  /** Names, link targets, extended attributes and sparse maps of all entries together. */
  metadataBytes: number
  /** Stretches of data in one sparse file. */
  sparseSegments: number
  /** The uncompressed archive, and likewise the sizes of all its files with their holes. */
  bytes: number
}

/**
 * What is accepted unless the caller says otherwise. Paths are as long as Linux can open; PAX headers as long as Go's
 * archive/tar reads them, and so Docker.
 */
export const DEFAULT_LAYER_LIMITS: LayerLimits = {
  entries: 1_000_000,
  pathBytes: 4095,
  depth: 2048,
  paxBytes: 1 << 20,
  xattrBytes: 128 << 10,
  metadataBytes: 512 << 20,
  sparseSegments: 65_536,
  bytes: 256 * 2 ** 30,
}

/** The limits with the gaps filled from `DEFAULT_LAYER_LIMITS`. */
export function layerLimits(limits: Partial<LayerLimits> = {}): LayerLimits {
  return { ...DEFAULT_LAYER_LIMITS, ...limits }
}

/** The error for something over a limit; `what` continues "has" or "is": "a path of 5000 bytes". */
export function overLimit(limit: keyof LayerLimits, name: ByteString, what: string, allowed: number): Error {
  return fail('LAYER_LIMIT_EXCEEDED', `${quoteName(name)}: ${what}; at most ${allowed} allowed`, {
    data: { limit, allowed, entry: fromByteString(name) },
  })
}

/** A name for a message: quoted, with control characters escaped, and cut when it is very long. */
export function quoteName(name: ByteString): string {
  const text = fromByteString(name)
  return JSON.stringify(text.length > 300 ? `${text.slice(0, 300)}…` : text).replaceAll('\x7f', '\\u007f')
}
