import { type Answer, type Exchange, end, flood, serve, startOf } from './exchange.ts'
import type { Document, ServedImage } from './image.ts'

/** What a registry does to whoever pulls from it; where nothing is said it is honest. */
export interface Behaviour {
  readonly about: string
  /** The manifest it serves instead of the honest one. */
  manifest?(image: ServedImage, site: { peer: string }): Document | Buffer
  /** Answers requests of any kind first; returns whether it did. */
  readonly first?: (exchange: Exchange) => boolean
  readonly onManifest?: Answer
  readonly onLayer?: Answer
}

const half = ({ bytes }: Exchange): number => bytes.length >> 1
const third = ({ bytes }: Exchange): number => Math.floor(bytes.length / 3)

/** A behaviour for the first `times` requests for the layer, then none. */
const atFirst =
  (times: number, answer: Answer): Answer =>
  (exchange) =>
    exchange.before < times ? answer(exchange) : serve(exchange)

/** The manifest with another descriptor of its layer. */
const withLayer = ({ manifest }: ServedImage, changed: Document): Document => ({
  ...manifest,
  layers: [{ ...manifest.layers[0], ...changed }],
})

function demand(exchange: Exchange, challenge: string): boolean {
  if (exchange.request.headers.authorization !== undefined) return false
  end(exchange, 401, { 'WWW-Authenticate': challenge })
  return true
}

function trickle(exchange: Exchange): void {
  const { response, bytes } = exchange
  response.writeHead(200, { 'Content-Length': bytes.length })
  let at = startOf(exchange)
  const timer = setInterval(() => {
    response.write(bytes.subarray(at, at + 512))
    at += 512
    if (at >= bytes.length) response.end()
    if (response.destroyed || at >= bytes.length) clearInterval(timer)
  }, 5)
}

function sendRange({ response, bytes }: Exchange, start: number, end: number): void {
  const headers = { 'Content-Length': end - start, 'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}` }
  response.writeHead(206, headers).end(bytes.subarray(start, end))
}

/** All behaviours, by the names of the repositories that have them. */
export const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  'r00-honest': { about: 'nothing' },
  'r01-other-bytes': {
    about: 'the last byte of the layer is another one',
    onLayer: (exchange) => {
      const bytes = Buffer.from(exchange.bytes)
      bytes[bytes.length - 1]! ^= 1
      serve({ ...exchange, bytes })
    },
  },
  'r02-cut': {
    about: 'never sends the second half of the layer',
    onLayer: (exchange) => serve(exchange, { until: half(exchange), end: 'close' }),
  },
  'r03-cut-once': {
    about: 'the first answer ends after half of the layer',
    onLayer: atFirst(1, (exchange) => serve(exchange, { until: half(exchange), end: 'close' })),
  },
  'r04-reset-thrice': {
    about: 'resets the connection after another third, three times',
    onLayer: atFirst(3, (exchange) =>
      serve(exchange, { until: startOf(exchange) + third(exchange) - 1, end: 'reset' }),
    ),
  },
  'r05-reset': {
    about: 'resets the connection before the first byte of a layer, always',
    onLayer: (exchange) => serve(exchange, { until: 0, end: 'reset' }),
  },
  'r06-unavailable-twice': { about: 'answers 503 twice', onLayer: atFirst(2, (exchange) => end(exchange, 503)) },
  'r07-busy-twice': {
    about: 'answers 429 twice, and asks to wait a second',
    onLayer: atFirst(2, (exchange) => end(exchange, 429, { 'Retry-After': '1' })),
  },
  'r08-busy': {
    about: 'answers 429 always, and asks to wait a day',
    onLayer: (exchange) => end(exchange, 429, { 'Retry-After': '99999' }),
  },
  'r09-size-too-small': { about: 'the manifest says 10 bytes', manifest: (image) => withLayer(image, { size: 10 }) },
  'r10-size-too-large': {
    about: 'the manifest says a terabyte',
    manifest: (image) => withLayer(image, { size: 1e12 }),
  },
  'r11-endless-layer': {
    about: 'the layer does not end',
    onLayer: (exchange) => flood(exchange, {}, Buffer.alloc(1 << 16)),
  },
  'r12-endless-manifest': {
    about: 'the manifest does not end',
    onManifest: (exchange) => flood(exchange, { 'Content-Type': exchange.type }, Buffer.alloc(1 << 16, '[')),
  },
  'r13-other-digest': {
    about: 'says that the manifest has another digest',
    onManifest: (exchange) => serve(exchange, { headers: { 'Docker-Content-Digest': `sha256:${'0'.repeat(64)}` } }),
  },
  'r14-redirect-loop': {
    about: 'redirects the layer to itself',
    onLayer: (exchange) => end(exchange, 307, { Location: exchange.request.url! }),
  },
  'r15-redirect-elsewhere': {
    about: 'wants a password, and redirects the layer to another host',
    first: (exchange) => demand(exchange, 'Basic realm="r15"'),
    onLayer: (exchange) => {
      const there = exchange.request.url!.replace('r15-redirect-elsewhere', 'r00-honest')
      end(exchange, 307, { Location: `${exchange.peer}${there}` })
    },
  },
  'r16-redirect-to-file': {
    about: 'redirects the layer to a file of the client',
    onLayer: (exchange) => end(exchange, 307, { Location: 'file:///etc/passwd' }),
  },
  'r17-token-elsewhere': {
    about: 'names a token server on another host',
    first: (exchange) =>
      demand(
        exchange,
        `Bearer realm="${exchange.peer}/token",service="r17",scope="repository:r17-token-elsewhere:pull"`,
      ),
  },
  'r18-password': { about: 'wants a password', first: (exchange) => demand(exchange, 'Basic realm="r18"') },
  'r19-slow': { about: 'sends 512 bytes at a time', onLayer: trickle },
  'r20-other-range': {
    about: 'cuts the layer, and answers with other bytes than were asked for then',
    onLayer: (exchange) => {
      if (exchange.request.headers.range) sendRange(exchange, 0, 10)
      else if (exchange.before === 0) serve(exchange, { until: half(exchange), end: 'close' })
      else serve(exchange)
    },
  },
  'r20-wider-range': {
    about: 'cuts the layer, and answers with all of it when the end is asked for',
    onLayer: (exchange) => {
      if (exchange.request.headers.range) sendRange(exchange, 0, exchange.bytes.length)
      else serve(exchange, { until: half(exchange), end: 'close' })
    },
  },
  'r21-web-page': {
    about: 'answers with a web page instead of the manifest',
    onManifest: ({ response }) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>Log in</html>'),
  },
  'r22-other-type': {
    about: 'says that the manifest is an index',
    onManifest: (exchange) => serve({ ...exchange, type: 'application/vnd.oci.image.index.v1+json' }),
  },
  'r23-foreign-layer': {
    about: 'has not got the layer, and names an address elsewhere',
    manifest: (image, { peer }) => withLayer(image, { urls: [`${peer}/foreign`], mediaType: FOREIGN }),
    onLayer: (exchange) => end(exchange, 404),
  },
  'r24-endless-tags': { about: 'each page of tags names the same next page' },
  'r25-false-encoding': {
    about: 'says that the layer is encoded once more',
    onLayer: (exchange) => serve(exchange, { headers: { 'Content-Encoding': 'gzip' } }),
  },
  'r26-path-as-digest': {
    about: 'the digest of the layer is a path',
    manifest: (image) => withLayer(image, { digest: 'sha256:../../../../etc/passwd' }),
  },
  'r27-prototype': {
    about: 'the manifest has a key __proto__',
    manifest: ({ manifest }) => Buffer.from(JSON.stringify(manifest).replace('{', '{"__proto__":{"isPolluted":true},')),
  },
}

const FOREIGN = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'
