import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { SlipwayError } from '../../src/engine/index.ts'
import { type Ending, plainBuild } from './case.ts'
import type { Docker } from './docker.ts'
import type { Slipway } from './slipway.ts'

/** Names that other projects start from, by what stands in for them here: the last part of the name, without its tag. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  busybox: 'busybox',
  alpine: 'alpine',
  debian: 'debian',
  ubuntu: 'debian',
  centos: 'debian',
  fedora: 'debian',
  ubi: 'debian',
  baseimage: 'debian',
  'python-311': 'debian',
  'base-jdk': 'debian',
  'cloud-sdk': 'debian',
  rabbitmq: 'debian',
  testimage: 'busybox',
  base: 'debian',
}

const ALPINE = `FROM busybox
COPY <<EOF /etc/alpine-release
3.20.0
EOF
`

/** The images that builds start from: made by Slipway, saved, and loaded into Docker, so that both have the same. */
export class Bases {
  readonly #docker: Docker
  readonly #slipway: Slipway
  readonly #work: string
  readonly #made = new Set<string>()
  readonly #archives: ReadonlyMap<string, string>

  /** `archives` hold images or file systems for both sides, by the name they stand for. */
  constructor(docker: Docker, slipway: Slipway, work: string, archives: ReadonlyMap<string, string>) {
    this.#docker = docker
    this.#slipway = slipway
    this.#work = work
    this.#archives = archives
  }

  /** busybox and the look-alike of alpine. */
  async prepare(): Promise<void> {
    await this.#slipway.engine.bootstrap({ what: 'busybox' })
    await this.#handOver('busybox')
    const folder = path.join(this.#work, 'alpine')
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, 'Dockerfile'), ALPINE)
    await this.#slipway.build(plainBuild(ALPINE), folder, 'alpine')
    await this.#handOver('alpine')
    for (const [name, archive] of this.#archives) {
      await this.#takeIn(archive, name)
      await this.#handOver(name)
    }
  }

  /** Whatever Slipway misses of the bases of a build gets a stand-in on both sides, until it misses nothing more. */
  async completeFor(attempt: () => Promise<Ending>): Promise<{ ending: Ending; skip?: string }> {
    for (let missing = 0; ; missing++) {
      const ending = await attempt()
      const name = ending.ok ? undefined : /failed to resolve source metadata for (\S+):/.exec(ending.message)?.[1]
      if (name === undefined || missing > 8) return { ending }
      const stem = /([^/:@]+)(:[^/]*)?(@.*)?$/.exec(name)?.[1] ?? ''
      const base = LOOKALIKES[stem]
      if (base === undefined || !this.#made.has(base)) return { ending, skip: `nothing stands in for ${name}` }
      this.#slipway.engine.images.tag(base, name)
      await this.#docker.tag(base, name)
    }
  }

  /** An image as `save` writes it, or the files of one. */
  async #takeIn(archive: string, name: string): Promise<void> {
    const { images } = this.#slipway.engine
    try {
      const [image] = await images.load(archive)
      images.tag(image!.names[0] ?? image!.id, name)
    } catch (error) {
      if (!(error instanceof SlipwayError) || error.code !== 'ARCHIVE_INVALID') throw error
      await images.import({ source: archive, sourceName: name, tag: name, changes: ['CMD ["sh"]'] })
    }
  }

  async #handOver(name: string): Promise<void> {
    const file = path.join(this.#work, 'base.tar')
    await this.#slipway.save(name, file)
    await this.#docker.load(file)
    rmSync(file)
    this.#made.add(name)
  }
}
