import type { ByteRange, Bytes, Job } from '../core/index.ts'
import type { Descriptor } from './descriptor.ts'

/**
 * Content on its way to a target. Where `from` is there, the target may ask for the bytes again from any offset on, as
 * often as it needs: it goes on where an earlier attempt ended instead of beginning anew. Whoever uses `from` verifies
 * the content itself; the plain iteration is the whole.
 */
export interface Body extends Bytes {
  from?(offset: number): Bytes
}

/** A place images can be read from: the local store, a registry, an OCI layout, a docker archive, memory. */
export interface ImageSource {
  /** The descriptor of the manifest or index that a tag or digest stands for. Fails with `IMAGE_NOT_FOUND`. */
  resolve(tagOrDigest: string, job?: Job): Promise<Descriptor>
  has(descriptor: Descriptor, job?: Job): Promise<boolean>
  /** Verified on the way when read whole: the iteration fails with `CONTENT_MISMATCH`. Fails with `BLOB_NOT_FOUND`. */
  read(descriptor: Descriptor, range?: ByteRange, job?: Job): Bytes
  tags(job?: Job): AsyncIterable<string>
  /** Manifests whose `subject` this is, of one artifact type or of any. */
  referrers(subject: Descriptor, artifactType?: string, job?: Job): AsyncIterable<Descriptor>
}

/** A place images can also be written to. Children go before parents; `tag` goes last. */
export interface ImageTarget extends ImageSource {
  /**
   * Idempotent: content that is there already is not read again. Fails with `CONTENT_MISMATCH`, and keeps nothing then.
   * `mountFrom` lets a registry take a blob that it already holds in another repository. `as` is the name that a manifest
   * is given right after: a target may do both at once, and `tag` comes all the same.
   */
  write(descriptor: Descriptor, body: Body, options?: { mountFrom?: string; as?: string }, job?: Job): Promise<void>
  /** Gives a manifest or index a name, taken from whatever had it. Fails with `BLOB_NOT_FOUND` when it is not there. */
  tag(name: string, descriptor: Descriptor, job?: Job): Promise<void>
  /** Takes a name away; the content stays. Fails with `IMAGE_NOT_FOUND`. */
  untag(name: string, job?: Job): Promise<void>
}
