import { expect, test } from 'vitest'
import { COMMIT_TIME, gitServer, noGit } from '../../build/git/fixture.suite.ts'
import { bytesOf } from '../../core/index.ts'
import { tarOf } from '../../store/fixture.suite.ts'
import { folderOf, openBuilder, serve } from './fixture.suite.ts'
import type { BuildRequest } from './request.ts'

const DOCKERFILE = 'FROM scratch\nARG SOURCE_DATE_EPOCH\nLABEL epoch=$SOURCE_DATE_EPOCH\nCOPY <<f /f\nx\nf\n'
const dockerfile = { name: 'Dockerfile', text: DOCKERFILE }
const LAST_MODIFIED = { 'last-modified': new Date(1_700_000_000_000).toUTCString() }

/** What a build says of its time: in the image, and to its instructions. */
async function timesOf(request: BuildRequest): Promise<{ created: string | undefined; seen: string | undefined }> {
  const { store, build } = openBuilder()
  const { digest } = await build(request)
  const { config } = store.images.config(store.images.get(digest)!)
  return { created: config.created, seen: config.config?.Labels?.['epoch'] }
}

const at = (seconds: number) => ({
  created: new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'),
  seen: String(seconds),
})
const arg = (text: string) => ({ buildArgs: { SOURCE_DATE_EPOCH: text } })

test('a number', async () => {
  expect(await timesOf({ context: folderOf({}), dockerfile, ...arg('1600000001') })).toEqual(at(1_600_000_001))
})

test('an ARG before the first FROM is the default', async () => {
  const text = `ARG SOURCE_DATE_EPOCH=1600000002\n${DOCKERFILE}`
  const request = { context: folderOf({}), dockerfile: { name: 'Dockerfile', text } }
  expect(await timesOf(request)).toEqual(at(1_600_000_002))
  expect(await timesOf({ ...request, ...arg('1600000003') })).toEqual(at(1_600_000_003))
})

test('context: the newest entry of an archive, Last-Modified of a file; a folder says nothing', async () => {
  const tar = tarOf({
    Dockerfile: DOCKERFILE,
    old: { file: '', mtime: 1_650_000_000 },
    new: { file: '', mtime: 1_660_000_000 },
  })
  expect(await timesOf({ context: bytesOf(tar), ...arg('context') })).toEqual(at(1_660_000_000))
  const { url } = await serve({ '/D': { body: DOCKERFILE, headers: LAST_MODIFIED } })
  expect(await timesOf({ context: `${url}/D`, ...arg('context') })).toEqual(at(1_700_000_000))
  const folder = await timesOf({ context: folderOf({}), dockerfile, ...arg('context') })
  expect(folder.seen).toBe('')
})

test('a named context', async () => {
  const { url } = await serve({ '/n': { body: 'x', headers: LAST_MODIFIED } })
  const request = { context: folderOf({}), dockerfile, contexts: { src: `${url}/n` } }
  expect(await timesOf({ ...request, ...arg('src') })).toEqual(at(1_700_000_000))
})

test('a stage that is one remote ADD', async () => {
  const { url } = await serve({ '/n': { body: 'x', headers: LAST_MODIFIED } })
  const text = `FROM scratch AS src\nADD ${url}/n /\n${DOCKERFILE}`
  const request = { context: folderOf({}), dockerfile: { name: 'Dockerfile', text } }
  expect(await timesOf({ ...request, ...arg('src') })).toEqual(at(1_700_000_000))
})

test.skipIf(noGit)('a stage that is one ADD of a git repository', async () => {
  const server = await gitServer()
  server.tree('a').commit({ f: '1' })
  const text = `FROM scratch AS src\nADD ${server.url}/a/.git /\n${DOCKERFILE}`
  const request = { context: folderOf({}), dockerfile: { name: 'Dockerfile', text } }
  expect(await timesOf({ ...request, ...arg('src') })).toEqual(at(COMMIT_TIME))
})

const NO_SOURCE = ' s: SOURCE_DATE_EPOCH stage does not meet source-only requirements'

test.each([
  ['soon', DOCKERFILE, ': soon'],
  ['-1', DOCKERFILE, ': -1'],
  ['s', `FROM scratch AS s\nCOPY f /\n${DOCKERFILE}`, NO_SOURCE],
  ['s', `FROM scratch AS s\nADD http://127.0.0.1:1/f /\nENV A=1\n${DOCKERFILE}`, NO_SOURCE],
])('%s is refused', async (text, whole, message) => {
  const error = await openBuilder().error({
    context: folderOf({}),
    dockerfile: { name: 'Dockerfile', text: whole },
    ...arg(text),
  })
  expect(error).toMatchObject({ code: 'EPOCH_INVALID', message: `invalid SOURCE_DATE_EPOCH${message}` })
})
