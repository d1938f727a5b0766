import { expect, test } from 'vitest'
import { listed } from '../../oci/repository.suite.ts'
import { settingsFor } from '../docker-registry.suite.ts'
import { type Credentials, pingRegistry } from '../index.ts'
import { hasty, openAt, reply, type ScriptedServer, startScripted } from '../scripted-server.suite.ts'

const me: Credentials = { kind: 'password', username: 'me', password: 'secret' }
const MY_TOKEN = 'for-me'

/** A registry that sends its users to a token server by another name; `isPublic` lets in who has any token. */
function startStrange(isPublic: boolean): Promise<ScriptedServer> {
  return startScripted((request, response) => {
    const { authorization, host } = request.headers
    if (request.url!.startsWith('/token')) {
      return reply(response, 200, {}, `{"token":"${authorization ? MY_TOKEN : 'for-all'}"}`)
    }
    const realm = `http://${host!.replace('127.0.0.1', 'localhost')}/token`
    const isKnown = authorization === `Bearer ${MY_TOKEN}` || (isPublic && authorization !== undefined)
    if (isKnown) reply(response, 200, {}, '{"tags":["a"]}')
    else reply(response, 401, { 'www-authenticate': `Bearer realm="${realm}",service="s"` })
  })
}

const sent = (server: ScriptedServer): (string | undefined)[] =>
  server.requests.flatMap((line, at) => (line.includes('token') ? [server.headers[at]!.authorization] : []))

test('a token server in another domain does not hear who we are; what is public can be had', async () => {
  await using server = await startStrange(true)
  const settings = settingsFor({ credentials: me })
  expect(await listed(openAt(server.domain, { settings }).tags())).toEqual(['a'])
  expect(sent(server)).toEqual([undefined])
})

test('who is refused for that is told so, and how to change it', async () => {
  await using server = await startStrange(false)
  const settings = settingsFor({ credentials: me })
  const stranger = server.domain.replace('127.0.0.1', 'localhost')
  await expect(listed(openAt(server.domain, { settings }).tags())).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    message: expect.stringContaining(
      `(the login for ${server.domain} was not sent to ${stranger}, which is in another`,
    ),
    hint: expect.stringContaining(`"slipway login --token-server ${stranger} ${server.domain}"`),
  })
  expect(sent(server)).not.toContainEqual(expect.stringContaining('Basic'))
})

test('the one that the user names hears it', async () => {
  await using server = await startStrange(false)
  const tokenServer = server.domain.replace('127.0.0.1', 'localhost')
  const settings = settingsFor({ credentials: { ...me, tokenServer } })
  expect(await listed(openAt(server.domain, { settings }).tags())).toEqual(['a'])
  await using other = await startStrange(false)
  const elsewhere = settingsFor({ credentials: { ...me, tokenServer } })
  await expect(listed(openAt(other.domain, { settings: elsewhere }).tags())).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
  })
})

test('without credentials nothing is withheld, and nothing said of it', async () => {
  await using server = await startStrange(false)
  const refusal = await listed(openAt(server.domain).tags()).catch((error: unknown) => error)
  expect(refusal).toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' })
  expect(String(refusal)).not.toContain('was not sent')
})

test('login is no success when only a token for everyone was got', async () => {
  await using server = await startStrange(true)
  const ping = (credentials: Credentials): Promise<unknown> =>
    pingRegistry(server.domain, { settings: settingsFor(), credentials, patience: hasty() })
  await expect(ping(me)).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    hint: expect.stringContaining('--token-server'),
  })
  expect(await ping({ ...me, tokenServer: server.domain.replace('127.0.0.1', 'localhost') })).toEqual({})
})
