/** One build to do on both sides, and what is known about it beforehand. */
export interface Build {
  /** Of the Dockerfile, in the context. */
  dockerfileName: string
  dockerfile: string
  buildArgs: Readonly<Record<string, string>>
  target?: string
  labels: Readonly<Record<string, string>>
  network: 'host' | 'none'
  /** The image's name for the builds after it; made up when missing. */
  image?: string
  /** Fills the context folder; the Dockerfile is written afterwards. */
  prepare(folder: string): Promise<void> | void
}

/** What of a difference does not count. */
export interface Exceptions {
  /** Paths of the image that are not looked at. */
  paths: readonly string[]
  /** Fields of a path that are not looked at, as `path:field`. */
  fields: readonly string[]
  /** The two sides may say why a build fails in their own words. */
  words: boolean
}

/** One or several builds, one after another, under one name. */
export interface Case {
  name: string
  builds: readonly Build[]
  exceptions: Exceptions
  /** Why it is not played. */
  skip?: string
}

/** A build of this text with nothing special about it. */
export function plainBuild(dockerfile: string, more: Partial<Build> = {}): Build {
  return {
    dockerfileName: 'Dockerfile',
    dockerfile,
    buildArgs: {},
    labels: {},
    network: 'host',
    prepare: () => {},
    ...more,
  }
}

/** No exceptions. */
export const NO_EXCEPTIONS: Exceptions = { paths: [], fields: [], words: false }

/** How a build ended: with an image, or with what was said about why not. */
export type Ending = { ok: true } | { ok: false; message: string; code?: string }
