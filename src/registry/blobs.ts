import { type ByteRange, type Bytes, digestAlgorithm, digestOf, fail, hasCode, type Job } from '../core/index.ts'
import type { Descriptor } from '../oci/index.ts'
import { Connection } from './connection.ts'
import { checkWhole } from './content-headers.ts'
import { download, type Place } from './download.ts'
import type { Patience } from './http/patience.ts'
import type { Route } from './route.ts'

/** A whole blob up to this size is read at once: it holds up nobody, and needs no resuming. */
const SMALL = 1 << 20

/** Whether the server has this blob: by HEAD, else by GET. Fails with `CONTENT_MISMATCH` when it has another size there. */
export async function hasBlob(server: Connection, route: Route, descriptor: Descriptor, job: Job): Promise<boolean> {
  const { to, scopes, about } = placeOf(server, route, descriptor)
  try {
    await server.ask({ method: 'HEAD', to, scopes, about, expects: [200] }, job).catch(async (error: unknown) => {
      if (!hasCode(error, 'REGISTRY_UNSUPPORTED')) throw error
      // one byte tells that it is there; who knows no ranges begins to send all, and is stopped
      const opened = await server.open(
        { method: 'GET', to, headers: { range: 'bytes=0-0' }, scopes, about, expects: [200, 206, 416] },
        job,
      )
      if ('trouble' in opened) throw opened.trouble.error
      opened.answer.body.on('error', () => {}).destroy()
    })
    return true
  } catch (error) {
    if (hasCode(error, 'BLOB_NOT_FOUND')) return false
    throw error
  }
}

/** Reads a blob or a range of it. See `download`. */
export async function* readBlob(
  route: Route,
  descriptor: Descriptor,
  range: ByteRange | undefined,
  options: { patience: Patience; foreignLayers?: boolean },
  job: Job,
): Bytes {
  if (range === undefined && descriptor.size <= SMALL && !descriptor.urls) {
    yield await route.first('pull', (server) => readSmall(placeOf(server, route, descriptor), descriptor, job), job)
    return
  }
  const servers = await route.servers('pull')
  const places = servers.map((server) => placeOf(server, route, descriptor))
  const foreign = options.foreignLayers
    ? (descriptor.urls ?? []).map((url) => foreignPlace(url, route, options.patience))
    : []
  yield* download([...places, ...foreign], descriptor, range, job)
}

function placeOf(server: Connection, route: Route, { digest }: Descriptor): Place {
  const to = `/${server.endpoint.repository}/blobs/${digest}`
  return {
    server,
    to,
    scopes: route.scopes(server, 'pull'),
    about: route.about('blob', `${route.familiar()}@${digest}`),
  }
}

async function readSmall(place: Place, { digest, size }: Descriptor, job: Job): Promise<Buffer> {
  const { server, to, scopes, about } = place
  const reply = await server.ask({ method: 'GET', to, scopes, about, expects: [200], limit: SMALL * 4 }, job)
  checkWhole(reply)
  const { length } = reply.body
  if (length !== size) throw fail('CONTENT_MISMATCH', `content of ${digest} has ${length} bytes, ${size} were declared`)
  const actual = digestOf(reply.body, digestAlgorithm(digest))
  if (actual !== digest) throw fail('CONTENT_MISMATCH', `content of ${digest} has the digest ${actual}`)
  return reply.body
}

/** Where the author of an image says that a layer is: asked without any credentials. */
function foreignPlace(url: string, route: Route, patience: Patience): Place {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw fail(
      'MANIFEST_INVALID',
      `a layer is said to be at ${JSON.stringify(url.slice(0, 200))}, which is no web address`,
    )
  }
  const to = new URL(url)
  const server = new Connection(
    {
      url: to.origin,
      repository: '',
      allowsPlainHttp: false,
      can: { pull: true, resolve: false, push: false },
      isMirror: false,
      tls: { ca: [], verify: true },
      headers: {},
      registry: to.host,
    },
    { credentials: async () => undefined, patience },
  )
  return { server, to, scopes: [], about: route.about('blob', to.host) }
}
