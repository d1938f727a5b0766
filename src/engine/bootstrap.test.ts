import { expect, test } from 'vitest'
import { findProgram } from '../host/index.ts'
import { debianMirror } from './bootstrap.ts'
import { openTestEngine } from './fixture.suite.ts'

const hasBusybox = findProgram('busybox') !== undefined

test.skipIf(!hasBusybox)('busybox becomes an image, the same each time (needs busybox)', async () => {
  const { engine } = openTestEngine()
  const first = await engine.bootstrap({ what: 'busybox' })
  expect(engine.images.inspect('busybox')).toMatchObject({
    Id: first.id,
    RepoTags: ['busybox:latest'],
    Config: { Cmd: ['sh'], Env: [expect.stringMatching(/^PATH=/)] },
  })
  const second = await engine.bootstrap({ what: 'busybox', tag: 'own:1' })
  expect(second.id).toBe(first.id)
  expect(engine.images.inspect('own:1')['Id']).toBe(first.id)
})

test.each(['arch', 'busybox:1', '', 'debian:../x', 'debian:-x'])('%j cannot be made', async (what) => {
  const { engine } = openTestEngine()
  await expect(engine.bootstrap({ what })).rejects.toMatchObject({ code: 'BOOTSTRAP_UNKNOWN' })
})

test('packages come from where this machine’s own come from', () => {
  expect(debianMirror()).toMatch(/^https?:\/\/.*debian$/)
})
