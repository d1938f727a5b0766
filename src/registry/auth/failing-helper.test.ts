import { expect, test } from 'vitest'
import { fail, type ProgressEvent } from '../../core/index.ts'
import { listed } from '../../oci/repository.suite.ts'
import { settingsFor } from '../docker-registry.suite.ts'
import { openAt, reply, type ScriptedServer, startScripted } from '../scripted-server.suite.ts'

const settings = {
  ...settingsFor(),
  credentials: async (): Promise<never> => {
    throw fail('CREDENTIAL_HELPER_FAILED', 'error getting credentials - err: boom', { hint: 'mend it.' })
  },
}

/** Gives tokens to everyone, or to nobody. */
function start(isPublic: boolean): Promise<ScriptedServer> {
  return startScripted((request, response) => {
    if (request.url!.startsWith('/token')) {
      reply(response, isPublic ? 200 : 401, {}, '{"token":"t"}')
    } else if (request.headers.authorization) reply(response, 200, {}, '{"tags":["a"]}')
    else reply(response, 401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` })
  })
}

test('what is public is pulled when the credential helper fails, with a warning', async () => {
  await using server = await start(true)
  const events: ProgressEvent[] = []
  const tags = openAt(server.domain, { settings }).tags({ progress: (event) => events.push(event) })
  expect(await listed(tags)).toEqual(['a'])
  expect(events).toContainEqual({
    type: 'warning',
    code: 'CREDENTIAL_HELPER_FAILED',
    message: 'error getting credentials - err: boom; going on without credentials',
  })
})

test('who is refused then is told why', async () => {
  await using server = await start(false)
  await expect(listed(openAt(server.domain, { settings }).tags())).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    message: expect.stringContaining('(error getting credentials - err: boom)'),
    hint: 'mend it.',
  })
})

test('pushing fails at once', async () => {
  await using server = await start(true)
  const tags = openAt(server.domain, { settings, access: 'push' }).tags()
  await expect(listed(tags)).rejects.toMatchObject({ code: 'CREDENTIAL_HELPER_FAILED' })
})
