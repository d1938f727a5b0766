import type { LayerCompression } from '../../../build/index.ts'
import type { Bytes } from '../../../core/index.ts'
import type { Platform } from '../../../oci/index.ts'

/** Where the result of a build goes. */
export type Output = ImageOutput | ArchiveOutput | FolderOutput | TarOutput | { type: 'cacheonly' }

/** A file or folder by its path, or whoever takes the bytes, standard output for instance. */
export type Sink = string | ((bytes: Bytes) => Promise<void>)

/** How an image is written down. What is missing is as in the store: plain layers, OCI media types. */
export interface PackOptions {
  /** Names as users write them; the tags of the build when missing. */
  names?: readonly string[]
  mediaTypes?: 'oci' | 'docker'
  compression?: LayerCompression
  /** Whether an epoch is also the latest time of files in layers; so it is when missing. */
  rewriteTimestamp?: boolean
  /** Seconds since 1970, that of the build when missing, `null` for none. */
  epoch?: number | null
  annotations?: readonly Annotation[]
}

/** Something to write beside an image. */
export interface Annotation {
  /** On the manifest, on what points at it, on the index, or on what points at that. */
  on: 'manifest' | 'manifest-descriptor' | 'index' | 'index-descriptor'
  /** All platforms when missing. */
  platform?: Platform
  key: string
  value: string
}

/** An image of the store, and perhaps of the registries of its names. */
export interface ImageOutput extends PackOptions {
  type: 'image'
  /** Sends it to the registries: under its names, or only so that it can be had by its digest. */
  push?: 'by-name' | 'by-digest'
}

/** An archive that other tools read: OCI's layout, with `docker` also the lists that `docker load` reads. */
export interface ArchiveOutput extends PackOptions {
  type: 'oci' | 'docker'
  dest: Sink
  /** A folder in place of a tar; `dest` is its path then. */
  asFolder?: boolean
}

/** The files without layers. */
interface FilesOptions {
  /** A folder for each platform, such as `linux_arm64`; so it is for several when missing. */
  platformSplit?: boolean
  /** What the names of attestation files begin with. */
  attestationPrefix?: string
  epoch?: number | null
}

/** The files in a folder of this machine. */
export interface FolderOutput extends FilesOptions {
  type: 'local'
  dest: string
  /** `delete`: what the folder holds beside them is removed. */
  mode?: 'copy' | 'delete'
}

/** The files in a tar. */
export interface TarOutput extends FilesOptions {
  type: 'tar'
  dest: Sink
}
