import { gzipSync } from 'node:zlib'
import { bytesFor } from './checks/blobs.ts'
import { type Algorithm, digest, type Target } from './target.ts'

/** A manifest of a data set. */
export interface SampleManifest {
  readonly bytes: Buffer
  readonly mediaType: string
  readonly digest: string
  readonly tag?: string
  /** What a list of referrers says of it. */
  readonly subject?: string
  readonly artifactType?: string
  readonly annotations?: Record<string, string>
}

/** Something to push: blobs first, then manifests in their order. */
export interface DataSet {
  readonly name: string
  readonly algorithm: Algorithm
  readonly blobs: readonly Buffer[]
  readonly manifests: readonly SampleManifest[]
  /** Manifests are pushed by digest, with all tags as parameters: these. */
  readonly tagParameters?: readonly string[]
}

const OCI = 'application/vnd.oci.image'
const MANIFEST = `${OCI}.manifest.v1+json`
const INDEX = `${OCI}.index.v1+json`
const CONFIG = `${OCI}.config.v1+json`
const EMPTY = 'application/vnd.oci.empty.v1+json'
const ARTIFACT = 'application/vnd.example.artifact'

interface Descriptor {
  mediaType: string
  digest: string
  size: number
  [key: string]: unknown
}

/** Collects the content of one data set. */
class Maker {
  readonly target: Target
  readonly name: string
  readonly algorithm: Algorithm
  readonly blobs: Buffer[] = []
  readonly manifests: SampleManifest[] = []

  constructor(target: Target, name: string, algorithm: Algorithm = 'sha256') {
    this.target = target
    this.name = name
    this.algorithm = algorithm
  }

  blob(bytes: Buffer, mediaType: string): Descriptor {
    this.blobs.push(bytes)
    return { mediaType, digest: digest(bytes, this.algorithm), size: bytes.length }
  }

  layer(what: string, compressed = true): Descriptor {
    const bytes = bytesFor(this.target, `${this.name} ${what}`, 2000)
    return compressed ? this.blob(gzipSync(bytes), `${OCI}.layer.v1.tar+gzip`) : this.blob(bytes, `${OCI}.layer.v1.tar`)
  }

  config(architecture: string, layers: number): Descriptor {
    const diffIds = Array.from({ length: layers }, (_, i) => digest(Buffer.from(`${architecture} ${i}`)))
    const config = {
      architecture,
      os: 'linux',
      rootfs: { type: 'layers', diff_ids: diffIds },
      author: this.target.salt,
    }
    return this.blob(Buffer.from(JSON.stringify(config)), CONFIG)
  }

  empty(): Descriptor {
    return this.blob(Buffer.from('{}'), EMPTY)
  }

  document(mediaType: string, value: Record<string, unknown>, tag?: string): Descriptor {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...value }))
    const subject = value['subject'] as Descriptor | undefined
    const config = value['config'] as Descriptor | undefined
    const artifactType = (value['artifactType'] as string | undefined) ?? config?.mediaType
    const annotations = value['annotations'] as Record<string, string> | undefined
    const of = digest(bytes, this.algorithm)
    this.manifests.push({
      ...{ bytes, mediaType, digest: of },
      ...(tag === undefined ? {} : { tag }),
      ...(subject ? { subject: subject.digest } : {}),
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations ? { annotations } : {}),
    })
    return { mediaType, digest: of, size: bytes.length }
  }

  image(tag?: string, more: Record<string, unknown> = {}, architecture = 'amd64'): Descriptor {
    const layers = [this.layer(`${architecture} 0`), this.layer(`${architecture} 1`)]
    return this.document(MANIFEST, { config: this.config(architecture, 2), layers, ...more }, tag)
  }

  platforms(): Descriptor[] {
    return ['amd64', 'arm64'].map((architecture) => ({
      ...this.image(undefined, {}, architecture),
      platform: { os: 'linux', architecture },
    }))
  }

  index(manifests: Descriptor[], tag?: string, more: Record<string, unknown> = {}): Descriptor {
    return this.document(INDEX, { manifests, ...more }, tag)
  }

  artifact(tag?: string, more: Record<string, unknown> = {}): Descriptor {
    const layers = [this.blob(bytesFor(this.target, `${this.name} ${tag} artifact`, 500), 'text/plain')]
    return this.document(MANIFEST, { artifactType: ARTIFACT, config: this.empty(), layers, ...more }, tag)
  }

  done(more: Partial<DataSet> = {}): DataSet {
    const { name, algorithm, blobs, manifests } = this
    return { name, algorithm, blobs, manifests, ...more }
  }
}

type Fill = (make: Maker) => Partial<DataSet> | undefined

const FILLS: Readonly<Record<string, Fill | [Algorithm, Fill]>> = {
  image: (make) => {
    make.image('image')
    return undefined
  },
  'image-uncompressed': (make) => {
    make.document(MANIFEST, { config: make.config('amd64', 1), layers: [make.layer('plain', false)] }, 'plain')
    return undefined
  },
  index: (make) => {
    make.index(make.platforms(), 'index')
    return undefined
  },
  'nested-index': (make) => {
    make.index([make.index(make.platforms())], 'nested')
    return undefined
  },
  artifact: (make) => {
    make.artifact('artifact')
    return undefined
  },
  'artifact-index': (make) => {
    make.index([make.artifact()], 'artifact-index', { artifactType: ARTIFACT })
    return undefined
  },
  'artifact-without-layers': (make) => {
    const config = make.empty()
    make.document(MANIFEST, { artifactType: ARTIFACT, config, layers: [config] }, 'no-layers')
    return undefined
  },
  'artifacts-with-subject': (make) => {
    const subject = make.image('subject')
    make.artifact('by-tag', { subject, annotations: { 'org.example.order': '1' } })
    make.artifact(undefined, { subject, artifactType: 'application/vnd.example.other' })
    make.document(MANIFEST, { config: make.config('amd64', 1), layers: [make.layer('typeless')], subject })
    return undefined
  },
  'index-with-subject': (make) => {
    const subject = make.image('subject')
    const artifact = make.artifact()
    make.index([artifact], 'index', { subject, artifactType: ARTIFACT })
    make.index([artifact], undefined, { subject, annotations: { untyped: 'yes' } })
    return undefined
  },
  'missing-subject': (make) => {
    const subject = { mediaType: MANIFEST, digest: digest(Buffer.from(`${make.target.salt} gone`)), size: 10 }
    make.artifact('lonely', { subject })
    return undefined
  },
  'data-field': (make) => {
    const config = { ...make.empty(), data: Buffer.from('{}').toString('base64') }
    const payload = Buffer.from(`payload ${make.target.salt}`)
    const layer = { ...make.blob(payload, 'text/plain'), data: payload.toString('base64') }
    make.document(MANIFEST, { artifactType: ARTIFACT, config, layers: [layer] }, 'data')
    return undefined
  },
  'non-distributable-layers': (make) => {
    const bytes = bytesFor(make.target, 'elsewhere', 100)
    const foreign = {
      mediaType: `${OCI}.layer.nondistributable.v1.tar+gzip`,
      digest: digest(bytes),
      size: bytes.length,
      urls: ['https://example.com/layer'],
    }
    make.document(MANIFEST, { config: make.config('amd64', 2), layers: [make.layer('own'), foreign] }, 'foreign')
    return undefined
  },
  'custom-fields': (make) => {
    const more = { 'org.example.custom': { deep: [1, 2, { x: null }] }, another: 'field' }
    make.index([{ ...make.image(undefined, more), custom: true }], 'custom', more)
    return undefined
  },
  'no-layers': (make) => {
    make.document(MANIFEST, { config: make.config('amd64', 0), layers: [] }, 'nothing')
    return undefined
  },
  'empty-index': (make) => {
    make.index([], 'empty')
    return undefined
  },
  'large-manifest': (make) => {
    const annotations = { 'org.example.large': 'x'.repeat(4 * 1024 * 1024 - 2000) }
    make.image('large', { annotations })
    return undefined
  },
  sha512: [
    'sha512',
    (make) => {
      make.index(make.platforms())
      return undefined
    },
  ],
  sparse: (make) => {
    const [here] = make.platforms() as [Descriptor]
    const bytes = Buffer.from(`not here ${make.target.salt}`)
    const gone = {
      mediaType: MANIFEST,
      digest: digest(bytes),
      size: bytes.length,
      platform: { os: 'linux', architecture: 's390x' },
    }
    make.index([here, gone], 'sparse')
    return undefined
  },
  'tag-param-sha256': (make) => {
    make.image()
    return { tagParameters: Array.from({ length: 10 }, (_, i) => `param-${i}`) }
  },
  'tag-param-sha512': [
    'sha512',
    (make) => {
      make.image()
      return { tagParameters: ['one', 'two', 'three'] }
    },
  ],
}

/** Names of all data sets. */
export const DATA_SETS: readonly string[] = Object.keys(FILLS)

/** Makes a data set with content of this run. */
export function makeDataSet(name: string, target: Target): DataSet {
  const entry = FILLS[name]!
  const [algorithm, fill] = typeof entry === 'function' ? (['sha256', entry] as const) : entry
  const make = new Maker(target, name, algorithm)
  return make.done(fill(make))
}
