import { fail, type SlipwayError } from '../core/index.ts'
import type { Descriptor } from '../oci/index.ts'

/** The error for a name or digest that stands for no image, in Docker's words. */
export function noImage(name: string): SlipwayError {
  return fail('IMAGE_NOT_FOUND', `No such image: ${name.slice(0, 300)}`)
}

/** The error for content that is not where its descriptor said. */
export function noContent(descriptor: Descriptor): SlipwayError {
  return fail('BLOB_NOT_FOUND', `content ${descriptor.digest} is not there`, { data: { digest: descriptor.digest } })
}
