import { expect, test } from 'vitest'
import { startScripted } from '../../registry/scripted-server.suite.ts'
import { openTestEngine } from '../fixture.suite.ts'

const from = (name: string) => ({ context: '.', dockerfile: { name: 'Dockerfile', text: `FROM ${name}\n` } })

test('a base that cannot be pulled is told as BuildKit does, where it stands', async () => {
  const { engine } = openTestEngine()
  await using server = await startScripted((_, response) => void response.writeHead(403).end())
  for (const [name, why] of [
    ['127.0.0.1:1/x:1', 'failed to do request: Head "https://127.0.0.1:1/v2/x/manifests/1": dial tcp'],
    [`${server.domain}/x:1`, 'pull access denied, repository does not exist or may require authorization: denied:'],
  ]) {
    const message = expect.stringContaining(`${name}: failed to resolve source metadata for ${name}: ${why}`)
    await expect(engine.build(from(name!))).rejects.toMatchObject({ message, span: expect.anything() })
  }
})
