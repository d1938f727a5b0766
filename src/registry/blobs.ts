import { type ByteRange, type Bytes, collectBytes, type Digest, fail, hasCode, type Job } from '../core/index.ts'
import type { Descriptor } from '../oci/index.ts'
import { Connection } from './connection.ts'
import { download, type Place } from './download.ts'
import type { Patience } from './http/patience.ts'
import { headerOf } from './http/redirect.ts'
import type { Route } from './route.ts'

/** A blob up to this size is passed on when all of it is here, so that a slow reader of it holds up nobody. */
const SMALL = 1 << 20

/** Whether the server has this blob: by HEAD, else by GET. */
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

/** A blob with its size, by HEAD. Fails with `BLOB_NOT_FOUND`, and with `REGISTRY_INVALID_ANSWER` where that does not tell. */
export async function describeBlob(server: Connection, route: Route, digest: Digest, job: Job): Promise<Descriptor> {
  const mediaType = 'application/octet-stream'
  const { to, scopes, about } = placeOf(server, route, { mediaType, digest, size: 0 })
  const reply = await server.ask({ method: 'HEAD', to, scopes, about, expects: [200] }, job)
  const length = headerOf(reply, 'content-length')
  if (length !== undefined && /^\d{1,15}$/.test(length)) return { mediaType, digest, size: Number(length) }
  throw fail('REGISTRY_INVALID_ANSWER', `${about.name}: the registry does not say how large it is`)
}

/** Reads a blob or a range of it. See `download`. */
export async function* readBlob(
  route: Route,
  descriptor: Descriptor,
  range: ByteRange | undefined,
  options: { patience: Patience; foreignLayers?: boolean },
  job: Job,
): Bytes {
  const isSmall = descriptor.size <= SMALL
  const servers = await route.servers('pull')
  const own = servers.map((server) => placeOf(server, route, descriptor))
  const urls = options.foreignLayers ? (descriptor.urls ?? []) : []
  const foreign = urls.map((url) => foreignPlace(url, route, options.patience))
  const places = [...own, ...foreign].map((place): Place => ({ ...place, pace: isSmall ? 'questions' : 'downloads' }))
  const bytes = download(places, descriptor, range, job)
  if (!isSmall) yield* bytes
  else yield await collectBytes(bytes, SMALL, () => fail('INTERNAL', 'more bytes than were declared'))
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
    { credentials: async () => undefined, patience, isStrange: true },
  )
  return { server, to, scopes: [], about: route.about('blob', to.host) }
}
