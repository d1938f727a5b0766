import { describe, expect, test } from 'vitest'
import { collectBytes } from '../../core/index.ts'
import { settingsFor } from '../docker-registry.suite.ts'
import { hasty, makeBlob, openAt, reply, type Script, startScripted } from '../scripted-server.suite.ts'

const { bytes, descriptor } = makeBlob(1000)
const blob = `/v2/app/blobs/${descriptor.digest}`
const secret = settingsFor({
  credentials: { kind: 'registry-token', token: 'secret' },
  endpoint: { headers: { 'x-own': 'yes' } },
})

const read = (domain: string): Promise<Buffer> =>
  collectBytes(openAt(domain, { settings: secret }).read(descriptor), 2000, () => new Error('endless'))

/** Wants a token, then redirects the blob. */
const redirecting =
  (to: string): Script =>
  (request, response) => {
    if (!request.headers.authorization) reply(response, 401, { 'www-authenticate': 'Bearer realm="http://unused"' })
    else if (request.url === blob) reply(response, 307, { location: to })
    else reply(response, 200, {}, bytes)
  }

describe('redirects', () => {
  test('to the same host get all that it is to know', async () => {
    await using server = await startScripted(redirecting('/elsewhere'))
    expect((await read(server.domain)).equals(bytes)).toBe(true)
    expect(server.headers.at(-1)).toMatchObject({ authorization: 'Bearer secret', 'x-own': 'yes' })
  })

  test('to another host get no secret', async () => {
    await using other = await startScripted((_, response) => reply(response, 200, {}, bytes))
    await using server = await startScripted(redirecting(`http://${other.domain}/x?signature=1`))
    expect((await read(server.domain)).equals(bytes)).toBe(true)
    expect(other.requests).toEqual(['GET /x?signature=1'])
    expect(other.headers[0]).not.toHaveProperty('authorization')
    expect(other.headers[0]).not.toHaveProperty('x-own')
  })

  test('are followed five times', async () => {
    await using server = await startScripted((_, response) => reply(response, 307, { location: blob }))
    await expect(read(server.domain)).rejects.toMatchObject({
      code: 'REGISTRY_INVALID_ANSWER',
      message: expect.stringContaining('more than 5 redirects'),
    })
    expect(server.requests).toHaveLength(6)
  })

  test.each(['file:///etc/passwd', 'ftp://x/y', 'http://[', 'data:text/plain,x'])(
    'to %s fail at once',
    async (location) => {
      await using server = await startScripted((_, response) => reply(response, 307, { location }))
      await expect(read(server.domain)).rejects.toMatchObject({ code: 'REGISTRY_INVALID_ANSWER' })
      expect(server.requests).toHaveLength(1)
    },
  )

  test('a 401 of another host is not answered with our secret', async () => {
    await using other = await startScripted((_, response) =>
      reply(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
    )
    await using server = await startScripted((_, response) =>
      reply(response, 307, { location: `http://${other.domain}/` }),
    )
    await expect(read(server.domain)).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' })
    expect(other.requests).toHaveLength(1)
  })

  test('do not turn an upload into something else', async () => {
    await using server = await startScripted((request, response) =>
      request.method === 'HEAD' ? reply(response, 404, {}) : reply(response, 302, { location: '/elsewhere' }),
    )
    const target = openAt(server.domain, { access: 'push', patience: hasty() })
    const write = target.write(
      descriptor,
      (async function* () {
        yield bytes
      })(),
    )
    await expect(write).rejects.toMatchObject({ code: 'REGISTRY_INVALID_ANSWER' })
    expect(server.requests.some((line) => line.includes('elsewhere'))).toBe(false)
  })
})
