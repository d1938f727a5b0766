import { createSign, randomUUID, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { bodyOf, reply, type ScriptedServer, startScripted } from '../scripted-server.suite.ts'

/** A token server as docker-registry's `auth.token` wants one. */
export interface TokenServer extends ScriptedServer {
  /** The scopes of every request. */
  readonly asked: readonly (readonly string[])[]
}

/** Its users may do all, others may pull from `public/...`; `lives` are seconds. */
export async function startTokenServer(options: {
  key: string
  cert: string
  users: Readonly<Record<string, string>>
  lives?: number
}): Promise<TokenServer> {
  const asked: string[][] = []
  const certificate = readFileSync(options.cert, 'utf8')
  const x5c = [new X509Certificate(certificate).raw.toString('base64')]
  const sign = (claims: object): string => {
    const parts = [{ typ: 'JWT', alg: 'RS256', x5c }, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    const signature = createSign('RSA-SHA256').update(parts.join('.')).sign(readFileSync(options.key), 'base64url')
    return [...parts, signature].join('.')
  }
  const server = await startScripted(async (request, response) => {
    const url = new URL(request.url!, 'http://x')
    const form = new URLSearchParams((await bodyOf(request)).toString())
    const scopes = request.method === 'POST' ? (form.get('scope') ?? '').split(' ') : url.searchParams.getAll('scope')
    asked.push(scopes)
    const [user = '', password = ''] = basicOf(request.headers.authorization) ?? []
    const isKnown = user !== '' && options.users[user] === password
    const isRefresh = form.get('refresh_token') === 'identity'
    if ((user !== '' && !isKnown) || (request.method === 'POST' && !isRefresh)) {
      reply(response, 401, {}, '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
      return
    }
    const now = Math.floor(Date.now() / 1000)
    const access = scopes.flatMap((scope) => grantOf(scope, isKnown || isRefresh))
    const lives = options.lives ?? 300
    const claims = {
      iss: 'test',
      sub: user,
      aud: 'registry',
      exp: now + lives,
      nbf: now - 5,
      iat: now,
      jti: randomUUID(),
      access,
    }
    const refresh = url.searchParams.has('offline_token') && isKnown ? { refresh_token: 'identity' } : {}
    reply(
      response,
      200,
      { 'content-type': 'application/json' },
      JSON.stringify({ token: sign(claims), expires_in: lives, ...refresh }),
    )
  })
  return Object.assign(server, { asked })
}

function basicOf(header: string | undefined): string[] | undefined {
  return header?.startsWith('Basic ') ? Buffer.from(header.slice(6), 'base64').toString().split(':') : undefined
}

function grantOf(scope: string, isKnown: boolean): { type: string; name: string; actions: string[] }[] {
  const [type = '', name = '', actions = ''] = scope.split(':')
  const wanted = actions.split(',').filter((action) => isKnown || (action === 'pull' && name.startsWith('public/')))
  return wanted.length > 0 ? [{ type, name, actions: wanted }] : []
}
