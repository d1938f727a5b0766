import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { digestOf, perform, type Work } from './load.ts'

/** The repository that everything is in. */
const REPOSITORY = 'bench/app'
const TAGS = 100
const MEBIBYTE = 1 << 20
const OCI = 'application/vnd.oci'
const MANIFEST = `${OCI}.image.manifest.v1+json`
const ACCEPT = { Accept: MANIFEST }

/** What is done to a server, and what it is called in the report. */
export interface RegistryWorkload {
  readonly title: string
  readonly work: Work
}

/** What a server was filled with. */
interface Filled {
  readonly blob: string
  readonly manifest: string
}

/** What the servers are filled with and what is done to them. */
export class RegistryInputs {
  private readonly big: string
  private readonly config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', bench: 'x'.repeat(1900) }))
  private readonly options: { seconds: number; connections: number }
  private uploads = 0

  /** Makes a big blob of `bigBytes`, which cannot be compressed, in `folder`. */
  constructor(folder: string, options: { bigBytes: number; seconds: number; connections: number }) {
    this.options = options
    this.big = path.join(folder, 'big')
    const fd = openSync(this.big, 'w')
    for (let left = options.bigBytes; left > 0; left -= MEBIBYTE) writeSync(fd, randomBytes(Math.min(left, MEBIBYTE)))
    closeSync(fd)
  }

  /** Pushes an image with a big layer and many tags. */
  async fill(port: number): Promise<Filled> {
    const base = `http://127.0.0.1:${port}/v2/${REPOSITORY}`
    const blob = digestOf(this.big)
    await perform(port, { kind: 'upload', repository: REPOSITORY, file: this.big, digest: blob, patch: false })
    const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' })
    const place = new URL(started.headers.get('location')!, base)
    place.searchParams.set('digest', sha(this.config))
    await expectStatus(201, fetch(place, { method: 'PUT', body: this.config }))
    const manifest = this.manifestOf(blob)
    for (let at = 0; at < TAGS; at++) {
      const request = { method: 'PUT', body: manifest, headers: { 'Content-Type': MANIFEST } }
      await expectStatus(201, fetch(`${base}/manifests/tag-${at}`, request))
    }
    return { blob, manifest }
  }

  private manifestOf(blob: string): string {
    const config = { mediaType: `${OCI}.image.config.v1+json`, digest: sha(this.config), size: this.config.length }
    const layer = { mediaType: `${OCI}.image.layer.v1.tar`, digest: blob, size: statSync(this.big).size }
    return JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer] })
  }

  /** All workloads by their ids, in the order they are done in, for servers that were filled alike. */
  list({ blob, manifest }: Filled): Record<string, () => RegistryWorkload> {
    return { ...this.small(manifest), ...this.downloads(blob), ...this.uploadWorkloads() }
  }

  private small(manifest: string): Record<string, () => RegistryWorkload> {
    const { seconds, connections } = this.options
    const root = `/v2/${REPOSITORY}`
    const config = `${root}/blobs/${sha(this.config)}`
    const requests = (title: string, method: string, target: string, more: object = {}) => {
      const common = { kind: 'requests', method, target, headers: ACCEPT, status: 200, connections, seconds } as const
      return (): RegistryWorkload => ({ title, work: { ...common, ...more } })
    }
    const headers = { 'Content-Type': MANIFEST }
    const put = { status: 201, body: manifest, headers, connections: Math.ceil(connections / 4) }
    return {
      ping: requests('GET /v2/', 'GET', '/v2/'),
      'manifest-tag': requests('GET manifest by tag', 'GET', `${root}/manifests/tag-7`),
      'manifest-digest': requests('GET manifest by digest', 'GET', `${root}/manifests/${sha(Buffer.from(manifest))}`),
      'manifest-head': requests('HEAD manifest by tag', 'HEAD', `${root}/manifests/tag-7`),
      'blob-head': requests('HEAD blob', 'HEAD', config),
      'blob-small': requests('GET blob of 2 KiB', 'GET', config),
      tags: requests(`tags/list, ${TAGS} tags`, 'GET', `${root}/tags/list`),
      'manifest-put': requests('PUT manifest, new tag', 'PUT', `${root}/manifests/new-{n}`, put),
    }
  }

  private downloads(blob: string): Record<string, () => RegistryWorkload> {
    const bytes = statSync(this.big).size
    const target = `/v2/${REPOSITORY}/blobs/${blob}`
    const by = (clients: number, title: string) => (): RegistryWorkload => ({
      title,
      work: { kind: 'download', target, bytes, clients },
    })
    return { 'blob-get': by(1, 'GET big blob'), 'blob-get-4': by(4, 'GET big blob, 4 clients') }
  }

  private uploadWorkloads(): Record<string, () => RegistryWorkload> {
    return {
      'blob-put': () => this.upload('PUT big blob (POST, PUT)', false),
      'blob-patch': () => this.upload('PUT big blob (POST, PATCH, PUT)', true),
    }
  }

  /** A blob that no server has: the big one with another beginning. */
  private upload(title: string, patch: boolean): RegistryWorkload {
    const fd = openSync(this.big, 'r+')
    writeSync(fd, Buffer.from(`${process.pid} ${this.uploads++}`.padEnd(32)), 0, 32, 0)
    closeSync(fd)
    return {
      title,
      work: { kind: 'upload', repository: REPOSITORY, file: this.big, digest: digestOf(this.big), patch },
    }
  }
}

const sha = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

async function expectStatus(status: number, answer: Promise<Response>): Promise<void> {
  const { status: got, url } = await answer
  if (got !== status) throw new Error(`${url}: ${got} and not ${status}`)
}
