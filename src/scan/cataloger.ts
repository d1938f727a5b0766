import type { ByteString } from '../core/index.ts'
import type { FileReader } from './files.ts'
import type { Distribution, Package } from './package.ts'

/** Finds the packages of one package manager; one file per cataloger. */
export interface Cataloger {
  readonly name: string
  /** Whether this file tells of packages. Asked for every file of an image, so it must be quick. */
  wants(path: ByteString): boolean
  /** The packages that a file tells of; what makes no sense in it is left out. */
  read(path: ByteString, reader: FileReader, distribution: Distribution | undefined): Iterable<Package>
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** Everything before the last slash; empty for a name in the root. */
export function folderOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0)) as ByteString
}

/** The qualifier that says which distribution a package belongs to: `debian-12`. */
export function distroQualifier(distribution: Distribution | undefined): string | undefined {
  if (!distribution) return undefined
  const { id, version } = distribution
  return version === undefined ? id : `${id}-${version}`
}
