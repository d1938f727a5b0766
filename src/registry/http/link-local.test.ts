import { describe, expect, test } from 'vitest'
import { bytesOf } from '../../core/index.ts'
import { listed } from '../../oci/repository.suite.ts'
import { makeBlob, makeManifest, openAt, reply, startScripted } from '../scripted-server.suite.ts'

const METADATA = 'http://169.254.169.254/latest/meta-data/'
const refused = {
  code: 'REGISTRY_INVALID_ANSWER',
  message: expect.stringContaining('169.254.169.254 is a link-local address, which is refused'),
}

describe('a registry cannot send us to an address of this link', () => {
  test('by a redirect', async () => {
    await using server = await startScripted((_, response) => reply(response, 307, { location: METADATA }))
    const { descriptor } = makeBlob(10)
    await expect(listed(openAt(server.domain).read(descriptor))).rejects.toMatchObject(refused)
    await expect(openAt(server.domain).resolve('1')).rejects.toMatchObject(refused)
  })

  test('by the place of its tokens', async () => {
    await using server = await startScripted((_, response) =>
      reply(response, 401, { 'www-authenticate': `Bearer realm="${METADATA}"` }),
    )
    await expect(openAt(server.domain).resolve('1')).rejects.toMatchObject(refused)
  })

  test('by the place of an upload', async () => {
    await using server = await startScripted((request, response) =>
      request.method === 'POST' ? reply(response, 202, { location: METADATA }) : reply(response, 404, {}),
    )
    const { bytes, descriptor } = makeBlob(2 << 20)
    const pushed = openAt(server.domain, { access: 'push' }).write(descriptor, bytesOf(bytes))
    await expect(pushed).rejects.toMatchObject(refused)
  })

  test('by what an image says of its layers', async () => {
    await using server = await startScripted((_, response) => reply(response, 404, {}))
    const { descriptor } = makeBlob(10)
    const foreign = { ...descriptor, urls: [METADATA] }
    await expect(listed(openAt(server.domain, { foreignLayers: true }).read(foreign))).rejects.toMatchObject(refused)
  })
})

test('one that the user names is asked', async () => {
  const { descriptor } = makeManifest()
  const patience = { tries: 1, firstPause: 1, silence: 1 }
  const signal = AbortSignal.timeout(200)
  const asked = openAt('169.254.0.1:1', { patience }).resolve(descriptor.digest, { progress: () => {}, signal })
  await expect(asked).rejects.not.toMatchObject({ code: 'REGISTRY_INVALID_ANSWER' })
})
