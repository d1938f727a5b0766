import type { Solver } from '../../build/index.ts'
import type { Digest, Job } from '../../core/index.ts'
import type { Descriptor, Image } from '../../oci/index.ts'
import type { Lease } from '../../store/index.ts'
import type { Household } from '../registry/repository.ts'
import type { BuiltPlatform } from './solve.ts'

/** A build whose layers are all in the store: what outputs are made of. */
export interface FinishedBuild extends Pick<Household, 'registries'> {
  /** One for each platform. */
  built: readonly BuiltPlatform[]
  /** An image is an index even when it is for one platform. */
  multiPlatform: boolean
  solver: Solver
  /** Full names of the image. */
  names: readonly string[]
  /** Holds everything that the outputs need. */
  lease: Lease
  /** Seconds since 1970. */
  epoch: number | undefined
  /** Own layers become one, or all of the image do. */
  squash?: 'new' | 'all'
  /** The config of the image carries the steps it was made by. */
  inlineCache?: boolean
  attachments?: Attachments
}

/** The image of one platform, as an output will have it; its documents and layers are in the store. */
export interface PackedImage extends BuiltPlatform, Image {
  /** Of its manifest, with the platform, as the index has it. */
  descriptor: Descriptor
  /** Of its config. */
  id: Digest
}

/** An image that an output wrote. */
export interface Exported {
  /** The image id: digest of a config. */
  id: Digest
  /** Of the manifest or index, as a list of images would have it. */
  root: Descriptor
  images: readonly PackedImage[]
  /** Full names. */
  names: readonly string[]
}

/** What goes along with the images without being one: statements about how they were made and what is in them. */
export interface Attachments {
  /**
   * Manifests for the index, after those of the images. They and what they point at have to be in the store, held by the
   * build's lease. Where there is any, the image becomes an index.
   */
  manifests(images: readonly PackedImage[], job: Job): Promise<readonly Descriptor[]>
  /** Files for the root of an output that is a folder or a tar. */
  files(built: BuiltPlatform, job: Job): Promise<readonly AttachedFile[]>
}

/** A file beside those of the image. */
export interface AttachedFile {
  name: string
  bytes: Uint8Array
}
