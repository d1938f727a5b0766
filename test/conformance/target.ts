import { createHash, randomBytes } from 'node:crypto'

/** The registry that is tried. */
export interface Target {
  readonly url: string
  /** Sent with every request: `Authorization` perhaps. */
  readonly headers: Readonly<Record<string, string>>
  /** Makes names and content of this run differ from those of others. */
  readonly salt: string
}

/** What a request carries. */
export interface Asked {
  headers?: Record<string, string>
  body?: Uint8Array | AsyncIterable<Uint8Array>
}

/** What a registry answered, whole. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
  json(): unknown
}

/** The registry at `url`, with credentials where it wants them. */
export function openTarget(url: string, user?: { name: string; password: string }): Target {
  const basic = user && Buffer.from(`${user.name}:${user.password}`).toString('base64')
  return {
    url: url.replace(/\/$/, ''),
    headers: basic ? { authorization: `Basic ${basic}` } : {},
    salt: randomBytes(4).toString('hex'),
  }
}

/** What clients send for manifests; some registries hide from them what they do not say they know. */
const ACCEPT = {
  accept: [
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.docker.distribution.manifest.v2+json',
    '*/*',
  ].join(', '),
}

/** Asks the registry; `path` is absolute, or the URL of a `Location`. */
export async function ask(target: Target, method: string, path: string, asked: Asked = {}): Promise<Answered> {
  const { body } = asked
  const isStream = body !== undefined && !(body instanceof Uint8Array)
  const response = await fetch(new URL(path, target.url), {
    method,
    headers: { ...(path.includes('/manifests/') ? ACCEPT : {}), ...target.headers, ...asked.headers },
    ...(body === undefined ? {} : { body: body as RequestInit['body'] }),
    ...(isStream ? { duplex: 'half' } : {}),
    signal: AbortSignal.timeout(30_000),
  } as RequestInit)
  const bytes = Buffer.from(await response.arrayBuffer())
  return { status: response.status, headers: response.headers, body: bytes, json: () => JSON.parse(bytes.toString()) }
}

/** The address of an upload with parameters added, as clients must do it: the rest of it is the registry's. */
export function withQuery(location: string, query: Record<string, string>): string {
  return `${location}${location.includes('?') ? '&' : '?'}${new URLSearchParams(query)}`
}

/** `Location` of an answer. */
export function locationOf(answer: Answered): string {
  const location = answer.headers.get('location')
  if (location === null) throw new Error(`status ${answer.status} without Location`)
  return location
}

export type Algorithm = 'sha256' | 'sha512'

/** Digest of bytes. */
export function digest(bytes: Uint8Array, algorithm: Algorithm = 'sha256'): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

/** Fails unless the answer has one of these statuses. */
export function expectStatus(answer: Answered, ...statuses: number[]): Answered {
  if (statuses.includes(answer.status)) return answer
  const said = answer.body.toString().slice(0, 300)
  throw new Error(`status ${answer.status}, expected ${statuses.join(' or ')}; ${said}`)
}

/** Fails unless a header has this value. */
export function expectHeader(answer: Answered, name: string, value: string): void {
  const found = answer.headers.get(name)
  if (found !== value) throw new Error(`${name}: ${found}, expected ${value}`)
}

/** Fails unless two values are the same, as JSON. */
export function expectSame(found: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)]
  if (a !== b) throw new Error(`${what}: ${a?.slice(0, 500)}, expected ${b?.slice(0, 500)}`)
}

/** Fails with the message unless it holds. */
export function expectThat(holds: boolean, message: string): void {
  if (!holds) throw new Error(message)
}

/** The body of a failure must name this code, where it has one. */
export function expectCode(answer: Answered, ...codes: string[]): void {
  const { errors } = answer.json() as { errors: { code: string }[] }
  const code = errors[0]?.code ?? ''
  if (!codes.includes(code)) throw new Error(`error code ${code}, expected ${codes.join(' or ')}`)
}
