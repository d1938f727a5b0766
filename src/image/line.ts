import type { Image } from './image.ts'

/** Gives the name under which another image is a stage of the same Dockerfile. */
export type NameOf = (image: Image) => string

/** One instruction: the images it takes from, and how it is written once they have names. */
export interface Line {
  readonly uses: readonly Image[]
  write(nameOf: NameOf): string
}

/** An instruction that stands alone. */
export function plain(text: string): Line {
  return { uses: [], write: () => text }
}

/** An image that is built, or the name of one that is there. */
export type ImageRef = Image | string

/** How a `from` is written: a name as it is, an image by its stage. */
export function refersTo(ref: ImageRef | undefined): { uses: readonly Image[]; name(nameOf: NameOf): string } {
  if (ref === undefined || typeof ref === 'string') return { uses: [], name: () => ref ?? '' }
  return { uses: [ref], name: (nameOf) => nameOf(ref) }
}
