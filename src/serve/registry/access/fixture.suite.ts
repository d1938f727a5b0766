import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, type RequestOptions, request } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { hashSync } from 'bcrypt'
import type { RegistryConfig } from '../config.ts'
import { type RegistryServer, serveRegistry } from '../serve.ts'
import type { AccessConfig } from './config.ts'
import { withRobots } from './robot-access.ts'
import { parseRobotScope } from './robots.ts'

/** What came back. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The code of the first error in the body. */
  readonly code: string | undefined
  readonly challenge: string | undefined
}

/** One request to a server of a test. */
export interface Call {
  /** `name:password`, or a bearer token. */
  readonly as?: string | { readonly token: string } | undefined
  readonly body?: string | Buffer
  readonly headers?: Record<string, string>
  readonly tls?: RequestOptions & { cert?: string; key?: string; ca?: string; maxVersion?: 'TLSv1.1' }
}

/** A registry of a test's own, with users whose passwords are `pw-NAME`. */
export interface GuardedRegistry extends AsyncDisposable {
  readonly root: string
  readonly server: RegistryServer
  readonly htpasswd: string
  /** The path is sent as it is. */
  call(method: string, path: string, call?: Call): Promise<Answer>
  /** A token with these scopes, for a user or for nobody. */
  token(as: string | undefined, ...scopes: string[]): Promise<string>
  /** Makes a robot; answers with its name and secret. */
  robot(name: string, ...scopes: string[]): Promise<string>
  /** Pushes a small image; answers with the digests of its manifest and config. */
  push(repository: string, tag: string, as: string): Promise<{ manifest: string; config: string }>
}

/** Lines of an htpasswd file: cheap hashes of `pw-NAME`. */
export function userLines(...names: string[]): string {
  return names.map((name) => `${name}:${hashSync(`pw-${name}`, 4)}\n`).join('')
}

/** Starts a registry on loopback with users and rules. */
export async function guardedRegistry(
  users: readonly string[],
  access: AccessConfig = {},
  config: RegistryConfig = {},
): Promise<GuardedRegistry> {
  const folder = mkdtempSync(path.join(tmpdir(), 'slipway-access-'))
  const htpasswd = path.join(folder, 'htpasswd')
  writeFileSync(htpasswd, userLines(...users))
  const root = path.join(folder, 'root')
  const server = await serveRegistry({
    root,
    config: { listen: '127.0.0.1:0', access: { htpasswd, ...access }, ...config },
  })
  const call: GuardedRegistry['call'] = (method, target, options = {}) => send(server.url, method, target, options)
  return {
    root,
    server,
    htpasswd,
    call,
    token: async (as, ...scopes) => {
      const query = new URLSearchParams(scopes.map((scope): [string, string] => ['scope', scope]))
      const answer = await call('GET', `/token?${query}`, { as })
      if (answer.status !== 200) throw new Error(`no token: ${answer.status} ${answer.text}`)
      return JSON.parse(answer.text).token
    },
    robot: async (name, ...scopes) => {
      const secret = await withRobots(root, (robots) => robots.create({ name, scopes: scopes.map(parseRobotScope) }))
      return `robot.${name}:${secret}`
    },
    push: (repository, tag, as) => push(call, repository, tag, as),
    [Symbol.asyncDispose]: async () => {
      await server.close()
      rmSync(folder, { recursive: true })
    },
  }
}

async function push(call: GuardedRegistry['call'], repository: string, tag: string, as: string) {
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: [] },
    name: repository,
  })
  const media = 'application/vnd.oci.image.manifest.v1+json'
  const descriptor = {
    mediaType: 'application/vnd.oci.image.config.v1+json',
    digest: digestOf(config),
    size: config.length,
  }
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType: media, config: descriptor, layers: [] })
  const blob = await call('POST', `/v2/${repository}/blobs/uploads/?digest=${descriptor.digest}`, { as, body: config })
  const put = await call('PUT', `/v2/${repository}/manifests/${tag}`, {
    as,
    body: manifest,
    headers: { 'content-type': media },
  })
  if (blob.status !== 201 || put.status !== 201) throw new Error(`push failed: ${blob.text} ${put.text}`)
  return { manifest: digestOf(manifest), config: descriptor.digest }
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

function send(
  url: string,
  method: string,
  target: string,
  { as, body, headers = {}, tls = {} }: Call,
): Promise<Answer> {
  const { protocol, hostname, port } = new URL(url)
  const authorization =
    as === undefined ? {} : { authorization: typeof as === 'string' ? basic(as) : `Bearer ${as.token}` }
  const options = {
    method,
    path: target,
    hostname,
    port,
    headers: { ...authorization, ...headers },
    agent: false,
    ...tls,
  }
  return new Promise((resolve, reject) => {
    const sent = (protocol === 'https:' ? tlsRequest : request)(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve(answerOf(response.statusCode!, response.headers, Buffer.concat(chunks).toString())),
      )
      response.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

function answerOf(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  const isJson = headers['content-type']?.startsWith('application/json') && text !== ''
  const code = isJson ? JSON.parse(text).errors?.[0]?.code : undefined
  return { status, headers, text, code, challenge: headers['www-authenticate'] as string | undefined }
}

function basic(credentials: string): string {
  return `Basic ${Buffer.from(credentials).toString('base64')}`
}
