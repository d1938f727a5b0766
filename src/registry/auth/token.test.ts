import { describe, expect, test } from 'vitest'
import { silentJob } from '../../core/index.ts'
import type { Credentials } from '../settings.ts'
import { type AskTokenServer, fetchToken, type TokenRequest } from './token.ts'

const realm = new URL('https://auth.example/token?x=1')
const password: Credentials = { kind: 'password', username: 'me', password: 'sécret:x' }
const identity: Credentials = { kind: 'identity-token', token: 'refresh', username: 'me' }

/** Asks a token server that answers with these statuses, one after the other. */
async function ask(
  request: Partial<TokenRequest>,
  answers: readonly [number, unknown][],
): Promise<{ token: unknown; asked: Parameters<AskTokenServer>[0][] }> {
  const asked: Parameters<AskTokenServer>[0][] = []
  const server: AskTokenServer = async (question) => {
    asked.push(question)
    const [status, body] = answers[asked.length - 1]!
    return { status, body: Buffer.from(JSON.stringify(body)) }
  }
  const full = {
    realm,
    service: 's',
    scopes: ['repository:a:pull', 'repository:b:pull'],
    credentials: undefined,
    ...request,
  }
  return { token: await fetchToken(full, server, silentJob).catch((error: unknown) => error), asked }
}

describe('fetchToken', () => {
  test('asks without a user', async () => {
    const { token, asked } = await ask({}, [[200, { token: 't' }]])
    expect(token).toMatchObject({ token: 't' })
    expect(asked[0]).toMatchObject({ method: 'GET', headers: {} })
    expect(asked[0]!.url.href).toBe(
      'https://auth.example/token?x=1&service=s&scope=repository%3Aa%3Apull&scope=repository%3Ab%3Apull&client_id=slipway',
    )
  })

  test('shows a password with GET', async () => {
    const { asked } = await ask({ credentials: password, offline: true }, [[200, { access_token: 't' }]])
    expect(asked[0]!.headers['authorization']).toBe(`Basic ${Buffer.from('me:sécret:x').toString('base64')}`)
    expect(asked[0]!.url.searchParams.get('account')).toBe('me')
    expect(asked[0]!.url.searchParams.get('offline_token')).toBe('true')
  })

  test('shows an identity token with POST', async () => {
    const { token, asked } = await ask({ credentials: identity }, [[200, { access_token: 't', refresh_token: 'next' }]])
    expect(token).toMatchObject({ token: 't', refreshToken: 'next' })
    expect(asked[0]).toMatchObject({ method: 'POST', url: realm })
    expect(Object.fromEntries(new URLSearchParams(asked[0]!.body!.toString()))).toEqual({
      client_id: 'slipway',
      grant_type: 'refresh_token',
      refresh_token: 'refresh',
      scope: 'repository:a:pull repository:b:pull',
      service: 's',
    })
  })

  test.each([404, 405])('tries the other way when the first is not known (%i)', async (status) => {
    const first = await ask({ credentials: identity }, [
      [status, {}],
      [200, { token: 't' }],
    ])
    expect(first.asked.map(({ method }) => method)).toEqual(['POST', 'GET'])
    expect(first.asked[1]!.headers['authorization']).toBe(`Basic ${Buffer.from('me:refresh').toString('base64')}`)
    const second = await ask({ credentials: password }, [
      [status, {}],
      [200, { token: 't' }],
    ])
    expect(second.asked.map(({ method }) => method)).toEqual(['GET', 'POST'])
    expect(second.asked[1]!.body!.toString()).toContain('grant_type=password')
  })

  test.each<[number, unknown, string]>([
    [401, {}, 'REGISTRY_UNAUTHORIZED'],
    [403, {}, 'REGISTRY_DENIED'],
    [404, {}, 'REGISTRY_INVALID_ANSWER'],
    [200, {}, 'REGISTRY_INVALID_ANSWER'],
    [200, { token: 'a\nb' }, 'REGISTRY_INVALID_ANSWER'],
    [200, { token: 7 }, 'REGISTRY_INVALID_ANSWER'],
    [200, 'x', 'REGISTRY_INVALID_ANSWER'],
  ])('fails when the answer is %i %j', async (status, body, code) => {
    expect((await ask({}, [[status, body]])).token).toMatchObject({ code })
  })

  test.each<[unknown, number]>([
    [undefined, 48],
    [10, 48],
    [300, 240],
    ['300', 48],
    [1e12, 69_120],
  ])('a token that lives %j seconds is renewed after %i', async (expires, seconds) => {
    const now = Date.now()
    const { token } = await ask({}, [[200, { token: 't', expires_in: expires }]])
    expect(Math.round(((token as { renewAt: number }).renewAt - now) / 1000)).toBeCloseTo(seconds, -1)
  })
})
