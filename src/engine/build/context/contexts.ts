import path from 'node:path'
import type { ContextFiles, FileSource, NamedContext, PlanSources } from '../../../build/index.ts'
import { type Job, OncePerKey, runTask, type SourceSpan } from '../../../core/index.ts'
import { formatPlatform, normalizePlatform, type Platform } from '../../../oci/index.ts'
import { openRepository } from '../../../store/index.ts'
import { copyImage, openOciLayout } from '../../../transfer/index.ts'
import { readBase } from '../base-images.ts'
import { contextFolder, openFolder, readIgnoreFile } from './folder.ts'
import type { Ignore } from './ignore.ts'
import { contextKey, type Location } from './location.ts'
import type { ContextOptions, OpenContext } from './open-context.ts'
import { openRemote, type RemoteLocation } from './remote.ts'

/** The main context as it was found, and which of its files take part. */
export interface MainContext {
  open: OpenContext
  ignore?: Ignore | undefined
}

/** The name of the main context among the vertices of a build. */
const MAIN = 'context'

/** The contexts of one build, each opened when it is first needed. */
export class BuildContexts implements ContextFiles {
  readonly #options: ContextOptions
  readonly #main: MainContext
  readonly #locations: ReadonlyMap<string, Location>
  readonly #opened = new OncePerKey<string, OpenContext>()
  readonly #known: OpenContext[] = []

  constructor(options: ContextOptions, main: MainContext, named: ReadonlyMap<string, Location>) {
    this.#options = options
    this.#main = main
    this.#known.push(main.open)
    this.#locations = named
  }

  async get(name: string, task: string, job: Job): Promise<FileSource> {
    if (name === MAIN) return this.#main.open.files(this.#main.ignore)
    const open = await this.open(name, task, job)
    if (open.folder === undefined) return open.files()
    const about = { id: `ignore ${name}`, name: `[context ${name}] load .dockerignore` }
    const { folder } = open
    return open.files(await runTask(job, about, async () => readIgnoreFile(folder)))
  }

  /** The folder of a context, the main one or a named one; `undefined` for what is no folder of the user's. */
  folder(name: string): string | undefined {
    if (name === MAIN) return this.#main.open.folder
    const location = this.#locations.get(name)
    return location?.kind === 'folder' ? location.folder : undefined
  }

  /** Where a named context is. */
  location(key: string): Location | undefined {
    return this.#locations.get(key)
  }

  /** The main context for `context`, or the named one of a name that holds files; `undefined` for anything else. */
  async find(name: string, platform: Platform, task: string, job: Job): Promise<OpenContext | undefined> {
    if (name === MAIN) return this.#main.open
    const key = this.keyFor(name, platform)
    const kind = key === undefined ? undefined : this.#locations.get(key)!.kind
    return kind === 'folder' || kind === 'http' || kind === 'git' ? this.open(key!, task, job) : undefined
  }

  /** A named context that holds files. */
  open(name: string, task: string, job: Job): Promise<OpenContext> {
    return this.#opened.get(name, async () => {
      const open = await this.#open(name, task, job)
      this.#known.push(open)
      return open
    })
  }

  async #open(name: string, task: string, job: Job): Promise<OpenContext> {
    const location = this.#locations.get(name)!
    const where = `in the build context ${name}`
    if (location.kind === 'folder')
      return openFolder(this.#options.session.store, contextFolder(location.folder), where)
    return openRemote(this.#options, location as RemoteLocation, { where, task }, job)
  }

  /** The name under which a stage or an image was given a context, if it was: that of its platform first. */
  keyFor(name: string, platform: Platform): string | undefined {
    if (this.#locations.size === 0) return undefined
    const key = tryKey(name)
    const keys = [`${key}::${formatPlatform(normalizePlatform(platform))}`, key]
    return keys.find((each) => this.#locations.has(each))
  }

  /** Finds what stands in the place of a stage or an image; images by `image`. */
  resolver(image: PlanSources['image'], job: Job): NonNullable<PlanSources['named']> {
    return async (name, platform, span) => {
      const key = this.keyFor(name, platform)
      const location = key === undefined ? undefined : this.#locations.get(key)!
      if (!location) return undefined
      if (location.kind === 'scratch') return { kind: 'scratch' }
      if (location.kind === 'image') return { kind: 'image', image: await image(location.reference, platform, span) }
      if (location.kind === 'layout') return this.#layoutImage(location, name, { platform, span }, job)
      return { kind: 'files', context: key! }
    }
  }

  async #layoutImage(
    { folder, ref }: Extract<Location, { kind: 'layout' }>,
    name: string,
    about: { platform: Platform; span: SourceSpan },
    job: Job,
  ): Promise<NamedContext> {
    const { store, lease } = this.#options.session
    const task = { id: `context ${name}`, name: `[context ${name}] OCI load from client` }
    return runTask(job, task, async () => {
      const layout = await openOciLayout(folder, job)
      const options = { ref, select: about.platform }
      const { root } = await copyImage(layout, openRepository(store, lease), options, job)
      for (const diffIds of store.images.stacks(root)) await store.layers.settle(diffIds, job)
      const full = `${path.basename(folder)}@${root.digest}`
      return {
        kind: 'image',
        image: { ...(await readBase(store, lease, { root, name: full, text: name, ...about }, job)), name: full },
      }
    })
  }

  /** Remembers what was found out about files, for the next build. */
  save(): void {
    for (const open of this.#known) open.save?.()
  }
}

function tryKey(name: string): string {
  try {
    return contextKey(name)
  } catch {
    return name // a stage's name need not be that of an image
  }
}
