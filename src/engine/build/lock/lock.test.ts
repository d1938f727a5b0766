import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { gitServer, noGit } from '../../../build/git/fixture.suite.ts'
import { bytesOf, digestOf } from '../../../core/index.ts'
import { addImage } from '../../../store/fixture.suite.ts'
import { type Builder, folderOf, openBuilder, serve } from '../fixture.suite.ts'
import type { LockRequest } from './lock.ts'
import { compareLocks, emptyLock, formatLock, parseLock } from './lock-file.ts'

const AMD64 = { os: 'linux', architecture: 'amd64' }
const platforms = [AMD64]
const BASE = 'docker.io/library/base:latest'

/** Gives an image a name, with one file. */
const tag = (builder: Builder, text: string, name = BASE) =>
  addImage(builder.store, [{ f: text }], { names: [name], platform: AMD64 })

const lockText = (context: string): string => readFileSync(path.join(context, 'Dockerfile.lock'), 'utf8')

function lock(builder: Builder, request: LockRequest) {
  return builder.engine.lock({ platforms, ...request })
}

describe('images', () => {
  async function locked() {
    const builder = openBuilder()
    const image = await tag(builder, 'one')
    const context = folderOf({ Dockerfile: 'FROM base AS a\nFROM scratch\nCOPY --from=base f /f\n' })
    const report = await lock(builder, { context })
    return { builder, image, context, report, request: { context, platforms, locked: true } }
  }

  test('the lock says which image a name stands for, on which platform', async () => {
    const { context, image, report } = await locked()
    expect(lockText(context)).toBe(`{
  "lockVersion": 1,
  "images": {
    "docker.io/library/base:latest": {
      "linux/amd64": "${image.descriptor.digest}"
    }
  }
}
`)
    expect(report).toMatchObject({
      file: path.join(context, 'Dockerfile.lock'),
      changes: [{ name: `${BASE} linux/amd64`, after: image.descriptor.digest }],
    })
  })

  test('a locked build takes the locked image, also when the name has moved', async () => {
    const { builder, context, request } = await locked()
    await tag(builder, 'two')
    expect(await builder.files({ context, platforms })).toEqual({ f: 'two' })
    expect(await builder.files(request)).toEqual({ f: 'one' })
  })

  test('a locked image that is gone: the error says what the name stands for now', async () => {
    const { builder, image, request } = await locked()
    const other = await tag(builder, 'two')
    builder.store.images.remove([image.descriptor.digest])
    builder.store.testLease[Symbol.dispose]()
    builder.store.collect()
    const error = await builder.error(request)
    expect(error).toMatchObject({
      code: 'LOCK_BROKEN',
      message: `${BASE} is locked to ${image.descriptor.digest}, which is not in the store`,
      span: { line: 3 },
    })
    expect(error.hint).toContain(`The name stands for ${other.descriptor.digest} now.`)
  })

  test('what is not in the lock is told, with its place', async () => {
    const { builder, context, request } = await locked()
    await tag(builder, 'new', 'docker.io/library/new:1')
    writeFileSync(path.join(context, 'Dockerfile'), 'FROM base\nCOPY --from=new:1 f /g\n')
    expect(await builder.error(request)).toMatchObject({
      code: 'LOCK_INCOMPLETE',
      message: 'docker.io/library/new:1 for linux/amd64 is not in Dockerfile.lock',
      span: { line: 2 },
    })
  })

  test('a name with a digest needs no lock', async () => {
    const { builder, image } = await locked()
    const context = folderOf({ Dockerfile: `FROM base@${image.descriptor.digest}\nENV A=1\n` })
    expect(await lock(builder, { context })).toMatchObject({ changes: [] })
    expect(await builder.files({ context, platforms, locked: true })).toEqual({ f: 'one' })
  })

  test('only what is named is looked up anew; nothing is written when it is only to be checked', async () => {
    const builder = openBuilder()
    await tag(builder, 'a1', 'docker.io/library/a:1')
    await tag(builder, 'b1', 'docker.io/library/b:latest')
    const context = folderOf({ Dockerfile: 'FROM a:1\nCOPY --from=b f /g\n' })
    await lock(builder, { context })
    const before = lockText(context)
    await tag(builder, 'a2', 'docker.io/library/a:1')
    await tag(builder, 'b2', 'docker.io/library/b:latest')
    const checked = await lock(builder, { context, check: true })
    expect(checked.changes.map(({ name }) => name)).toEqual([
      'docker.io/library/a:1 linux/amd64',
      'docker.io/library/b:latest linux/amd64',
    ])
    expect(lockText(context)).toBe(before)
    const { changes } = await lock(builder, { context, update: ['b'] })
    expect(changes.map(({ name }) => name)).toEqual(['docker.io/library/b:latest linux/amd64'])
    expect(await builder.files({ context, platforms, locked: true })).toEqual({ f: 'a1', g: 'b2' })
    await expect(lock(builder, { context, update: ['c'] })).rejects.toThrow('nothing in this build is called c')
  })

  test('entries for other platforms stay; what is no longer named goes', async () => {
    const { builder, context } = await locked()
    const arm64 = { os: 'linux', architecture: 'arm64' }
    await lock(builder, { context, platforms: [arm64] })
    expect(Object.keys(parseLock({ name: 'x', text: lockText(context) }).images[BASE]!)).toEqual([
      'linux/amd64',
      'linux/arm64',
    ])
    writeFileSync(path.join(context, 'Dockerfile'), 'FROM scratch\nENV A=1\n')
    await lock(builder, { context })
    expect(parseLock({ name: 'x', text: lockText(context) })).toEqual(emptyLock())
  })

  test('with a target, only what it needs is locked', async () => {
    const builder = openBuilder()
    await tag(builder, 'one')
    const context = folderOf({ Dockerfile: 'FROM base AS a\nFROM missing AS b\n' })
    expect((await lock(builder, { context, target: 'a' })).changes).toHaveLength(1)
    await expect(lock(builder, { context, pull: 'never' })).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })
})

describe('URLs', () => {
  test('the content behind a URL is locked, with its ETag; that of --checksum is not', async () => {
    const { url, answers } = await serve({
      '/f': { body: 'one', headers: { etag: '"v1"' } },
      '/sum': 'sum',
    })
    const builder = openBuilder()
    const withPassword = url.replace('//', '//user:secret@')
    const context = folderOf({
      Dockerfile: `FROM scratch\nADD ${withPassword}/f /f\nADD --checksum=${digestOf('sum')} ${url}/sum /\n`,
    })
    await lock(builder, { context })
    const { http } = parseLock({ name: 'x', text: lockText(context) })
    expect(http).toEqual({ [`${url}/f`]: { digest: digestOf('one'), etag: '"v1"' } })
    const request = { context, platforms, locked: true }
    expect(await builder.files(request)).toEqual({ f: 'one', sum: 'sum' })
    answers['/f'] = { body: 'two', headers: { etag: '"v2"' } }
    const error = await builder.error(request)
    expect(error).toMatchObject({ code: 'LOCK_BROKEN', span: { line: 2 } })
    expect(error.message).toContain(`${url}/f is no longer what it is locked to: digest mismatch ${digestOf('two')}`)
    expect(error.message).not.toContain('secret')
    await lock(builder, { context, update: [`${url}/f`] })
    expect(await builder.files(request)).toMatchObject({ f: 'two' })
  })

  test('named contexts are locked, too', async () => {
    const { url, answers } = await serve({ '/n': 'one' })
    const builder = openBuilder()
    const context = folderOf({ Dockerfile: 'FROM scratch\nCOPY --from=n context /f\n' })
    const request = { context, platforms, contexts: { n: `${url}/n` } }
    await lock(builder, request)
    expect(await builder.files({ ...request, locked: true })).toEqual({ f: 'one' })
    answers['/n'] = 'two'
    expect((await builder.error({ ...request, locked: true })).code).toBe('LOCK_BROKEN')
  })

  test.skipIf(noGit)('a git reference is locked to its commit', async () => {
    const server = await gitServer()
    const tree = server.tree('a')
    const commit = tree.commit({ f: 'one' })
    const builder = openBuilder()
    const url = `${server.url}/a/.git#main`
    const context = folderOf({ Dockerfile: 'FROM scratch\nCOPY --from=n f /f\n' })
    const request = { context, platforms, contexts: { n: url } }
    await lock(builder, request)
    expect(parseLock({ name: 'x', text: lockText(context) }).git).toEqual({ [url]: { commit } })
    tree.commit({ f: 'two' })
    expect(await builder.files({ ...request, locked: true })).toEqual({ f: 'one' })
    expect(await builder.files(request)).toEqual({ f: 'two' })
  })

  test.skipIf(noGit)('so is that of ADD, unless it names a commit itself', async () => {
    const server = await gitServer()
    const tree = server.tree('a')
    const first = tree.commit({ f: 'one' })
    const builder = openBuilder()
    const url = `${server.url}/a/.git`
    const context = folderOf({
      Dockerfile: `FROM scratch\nADD ${url} /a/\nADD --checksum=${first} ${url}#${first} /b/\n`,
    })
    await lock(builder, { context, platforms })
    expect(parseLock({ name: 'x', text: lockText(context) }).git).toEqual({ [url]: { commit: first } })
    tree.commit({ f: 'two' })
    const request = { context, platforms, locked: true }
    expect(await builder.files(request)).toEqual({ 'a/f': 'one', 'b/f': 'one' })
    await lock(builder, { context, platforms, update: [url] })
    expect(await builder.files(request)).toEqual({ 'a/f': 'two', 'b/f': 'one' })
  })
})

describe('the file', () => {
  test('lies beside the Dockerfile, by its name', async () => {
    const context = folderOf({ 'sub/My.Dockerfile': 'FROM scratch\nENV A=1\n' })
    const dockerfile = path.join(context, 'sub/My.Dockerfile')
    const builder = openBuilder()
    const missing = await builder.error({ context, dockerfile, locked: true })
    expect(missing).toMatchObject({
      code: 'LOCK_INVALID',
      message: 'there is no My.Dockerfile.lock beside the Dockerfile',
    })
    await lock(builder, { context, dockerfile })
    expect(existsSync(`${dockerfile}.lock`)).toBe(true)
    await builder.build({ context, dockerfile, locked: true })
  })

  test('has no place when the Dockerfile is no file', async () => {
    const request = { context: bytesOf(Buffer.from('FROM scratch\nENV A=1\n')) }
    await expect(openBuilder().engine.lock(request)).rejects.toMatchObject({ code: 'LOCK_INVALID' })
  })

  test.each([
    ['', 'is not valid JSON'],
    ['[]', 'it must be a JSON object'],
    ['{"lockVersion": 2}', 'lockVersion must be 1'],
    ['{"lockVersion": 1, "images": []}', 'images, http and git must be objects'],
    ['{"lockVersion": 1, "images": {"a": {"linux/amd64": "sha256:1"}}}', 'a has no digest'],
    ['{"lockVersion": 1, "http": {"u": {}}}', 'u has no digest'],
    ['{"lockVersion": 1, "git": {"u": {"commit": "main"}}}', 'u has no commit'],
  ])('%s is refused', (text, problem) => {
    expect(() => parseLock({ name: 'Dockerfile.lock', text })).toThrow(problem)
  })

  test('is sorted, and reads as it was written', () => {
    const digest = digestOf('x')
    const whole = {
      images: { b: { 'linux/arm64': digest, 'linux/amd64': digest }, a: { 'linux/amd64': digest } },
      http: { u: { digest, etag: 'e' } },
      git: { g: { commit: 'a'.repeat(40) } },
    }
    const text = formatLock(whole)
    expect(parseLock({ name: 'x', text })).toEqual(whole)
    expect(text.indexOf('"a"')).toBeLessThan(text.indexOf('"b"'))
    expect(compareLocks(whole, { ...whole, git: {}, http: { u: { digest: digestOf('y') } } })).toEqual([
      { name: 'u', before: digest, after: digestOf('y') },
      { name: 'g', before: 'a'.repeat(40) },
    ])
  })
})
