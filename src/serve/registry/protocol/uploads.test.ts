import { rmSync } from 'node:fs'
import { request } from 'node:http'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { type Answer, putBlob, send, startRegistry, temporaryFolder } from '../fixture.suite.ts'

const bytes = Buffer.from('0123456789'.repeat(1000))
const digest = digestOf(bytes)

type Server = { url: string }

async function begin(server: Server, repository = 'a'): Promise<string> {
  const answer = await send(server, 'POST', `/v2/${repository}/blobs/uploads/`)
  expect(answer.status).toBe(202)
  expect(answer.headers).toMatchObject({ range: '0-0', 'docker-upload-uuid': expect.any(String) })
  const location = answer.headers.location!
  expect(location).toMatch(/^\/v2\//)
  return location
}

const patch = (server: Server, at: string, body: Buffer, start?: number): Promise<Answer> =>
  send(server, 'PATCH', at, {
    headers: start === undefined ? {} : { 'content-range': `${start}-${start + body.length - 1}` },
    body,
  })

const finish = (server: Server, at: string, body = Buffer.alloc(0)): Promise<Answer> =>
  send(server, 'PUT', `${at}?digest=${digest}`, { body })

/** Begins to send a body that never ends, and breaks the connection once the server has some of it. */
async function breakOff(server: Server, at: string, sent: Buffer): Promise<void> {
  const outgoing = request(`${server.url}${at}`, { method: 'PATCH', headers: { 'transfer-encoding': 'chunked' } })
  outgoing.on('error', () => {})
  outgoing.write(sent)
  await expect
    .poll(async () => (await send(server, 'GET', at)).headers.range, { interval: 10 })
    .toBe(`0-${sent.length - 1}`)
  outgoing.destroy()
  // until the server has noticed, the upload belongs to the broken request
  await expect.poll(async () => (await patch(server, at, Buffer.alloc(1), 99_999)).status, { interval: 10 }).toBe(416)
}

/** Sends a part of a body and then nothing, without closing; resolves when the server breaks the connection. */
function halfOpen(server: Server, at: string, sent: Buffer): Promise<void> {
  const headers = { 'content-length': sent.length + 1000 }
  const outgoing = request(`${server.url}${at}`, { method: 'PATCH', headers, agent: false })
  outgoing.write(sent)
  return new Promise((resolve) => outgoing.on('error', () => resolve()))
}

describe('an upload', () => {
  test('goes on where a broken connection left it', async () => {
    const server = await startRegistry()
    const at = await begin(server)
    await breakOff(server, at, bytes.subarray(0, 4000))
    expect((await patch(server, at, bytes.subarray(4000), 4000)).status).toBe(202)
    expect((await finish(server, at)).status).toBe(201)
    expect((await send(server, 'GET', `/v2/a/blobs/${digest}`)).body).toEqual(bytes)
  })

  test('goes on after the server was started again', async () => {
    const root = temporaryFolder()
    const first = await startRegistry({ root })
    const at = await begin(first)
    expect((await patch(first, at, bytes.subarray(0, 4000))).headers['range']).toBe('0-3999')
    await first.close()
    const second = await startRegistry({ root })
    expect(await send(second, 'GET', at)).toMatchObject({ status: 204, headers: { range: '0-3999' } })
    expect((await finish(second, at, bytes.subarray(4000))).status).toBe(201)
  })

  test('is one of its repository only', async () => {
    const server = await startRegistry()
    const at = await begin(server, 'a')
    const elsewhere = at.replace('/v2/a/', '/v2/b/')
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      expect(await send(server, method, elsewhere)).toMatchObject({ status: 404, code: 'BLOB_UPLOAD_UNKNOWN' })
    }
    expect((await finish(server, elsewhere)).code).toBe('BLOB_UPLOAD_UNKNOWN')
  })

  test('belongs to one request at a time', async () => {
    const server = await startRegistry()
    const at = await begin(server)
    const outgoing = request(`${server.url}${at}`, { method: 'PATCH', headers: { 'transfer-encoding': 'chunked' } })
    const answered = new Promise<number>((resolve) =>
      outgoing.on('response', (one) => resolve(one.resume().statusCode!)),
    )
    outgoing.write(bytes.subarray(0, 10))
    await expect.poll(async () => (await send(server, 'GET', at)).headers.range, { interval: 10 }).toBe('0-9')
    const other = await patch(server, at, Buffer.from('intruder'))
    expect(other).toMatchObject({ status: 503, code: 'UNAVAILABLE', headers: { 'retry-after': '1' } })
    outgoing.end(bytes.subarray(10))
    expect(await answered).toBe(202)
    expect((await finish(server, at)).status).toBe(201)
  })

  test.each<[string, string, Buffer, number, string]>([
    ['a chunk out of order', '10-19', bytes.subarray(0, 10), 416, 'RANGE_INVALID'],
    ['a range that is none', 'bytes 0-9/10', bytes.subarray(0, 10), 400, 'RANGE_INVALID'],
    ['a range of another length', '0-99', bytes.subarray(0, 10), 400, 'SIZE_INVALID'],
  ])('refuses %s and takes nothing', async (_name, range, body, status, code) => {
    const server = await startRegistry()
    const at = await begin(server)
    const answer = await send(server, 'PATCH', at, { headers: { 'content-range': range }, body })
    expect(answer).toMatchObject({ status, code })
    expect((await send(server, 'GET', at)).headers.range).toBe('0-0')
    expect((await finish(server, at, bytes)).status).toBe(201)
  })

  test('without a well-formed digest stays open', async () => {
    const server = await startRegistry()
    const at = await begin(server)
    for (const query of ['', '?digest=', '?digest=sha256:x', `?digest=md5:${'0'.repeat(32)}`]) {
      expect(await send(server, 'PUT', at + query)).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
    }
    expect((await finish(server, at, bytes)).status).toBe(201)
  })

  test('with a digest of another algorithm than announced is hashed again', async () => {
    const server = await startRegistry()
    const at = await begin(server)
    await patch(server, at, bytes)
    const other = digestOf(bytes, 'sha512')
    expect((await send(server, 'PUT', `${at}?digest=${other}`)).status).toBe(201)
    expect((await send(server, 'GET', `/v2/a/blobs/${other}`)).body).toEqual(bytes)
    expect((await send(server, 'GET', `/v2/a/blobs/${digest}`)).status).toBe(404)
  })

  test('of an unknown algorithm is refused', async () => {
    const server = await startRegistry()
    const answer = await send(server, 'POST', '/v2/a/blobs/uploads/?digest-algorithm=md5')
    expect(answer).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
  })

  test('larger than allowed is stopped, with and without a length', async () => {
    const server = await startRegistry({ config: { limits: { blob: 100 } } })
    const at = await begin(server)
    expect(await patch(server, at, bytes)).toMatchObject({ status: 413, code: 'SIZE_INVALID' })
    const headers = { 'transfer-encoding': 'chunked' }
    expect(await send(server, 'PATCH', at, { headers, body: bytes })).toMatchObject({
      status: 413,
      code: 'SIZE_INVALID',
    })
    const answer = await send(server, 'POST', `/v2/a/blobs/uploads/?digest=${digest}`, { headers, body: bytes })
    expect(answer).toMatchObject({ status: 413, code: 'SIZE_INVALID' })
  })
})

describe('a client that lost its connection, which the server does not hear of', () => {
  test('goes on with its upload over another in a moment', async () => {
    const server = await startRegistry()
    const at = await begin(server)
    const half = halfOpen(server, at, bytes.subarray(0, 100))
    await expect.poll(async () => (await send(server, 'GET', at)).headers.range).toBe('0-99')
    expect(await patch(server, at, bytes.subarray(100))).toMatchObject({
      status: 503,
      code: 'UNAVAILABLE',
      headers: { 'retry-after': '1' },
    })
    await expect.poll(async () => (await patch(server, at, bytes.subarray(100))).status, { timeout: 5000 }).toBe(202)
    expect((await finish(server, at, Buffer.alloc(0))).status).toBe(201)
    await half
  })

  test('may also give it up', async () => {
    const server = await startRegistry()
    const at = await begin(server)
    const half = halfOpen(server, at, bytes.subarray(0, 100))
    await expect.poll(async () => (await send(server, 'GET', at)).headers.range).toBe('0-99')
    await expect.poll(async () => (await send(server, 'DELETE', at)).status, { timeout: 5000 }).toBe(204)
    await half
  })
})

test('a slow client keeps its upload while bytes come', async () => {
  const server = await startRegistry()
  const at = await begin(server)
  const headers = { 'content-length': bytes.length }
  const outgoing = request(`${server.url}${at}`, { method: 'PATCH', headers, agent: false })
  const answered = new Promise<number>((resolve) => outgoing.on('response', (one) => resolve(one.resume().statusCode!)))
  for (let sent = 0; sent < 100; sent += 10) {
    outgoing.write(bytes.subarray(sent, sent + 10))
    await setTimeout(150)
    expect((await patch(server, at, bytes)).status).toBe(503)
  }
  outgoing.end(bytes.subarray(100))
  expect(await answered).toBe(202)
})

describe('mounting', () => {
  test('asks for the right to read the other repository', async () => {
    const asked: string[] = []
    const guard = {
      authorize: ({ repository = '', isProbe }: { repository?: string; isProbe?: boolean }) => {
        if (isProbe) asked.push(repository)
        return isProbe && repository === 'secret' ? no() : {}
      },
    }
    const { refuse } = await import('../failure.ts')
    const no = (): ReturnType<typeof refuse> => refuse('DENIED', 'no')
    const server = await startRegistry({ parts: [() => guard] })
    await putBlob(server, 'secret', bytes)
    for (const query of [`mount=${digest}&from=secret`, `mount=${digest}`]) {
      const answer = await send(server, 'POST', `/v2/mine/blobs/uploads/?${query}`)
      expect(answer.status).toBe(202)
      expect(answer.headers.location).toContain('/v2/mine/blobs/uploads/')
    }
    expect(asked).toEqual(['secret', 'secret'])
    expect((await send(server, 'HEAD', `/v2/mine/blobs/${digest}`)).status).toBe(404)
    await putBlob(server, 'open', bytes)
    expect((await send(server, 'POST', `/v2/mine/blobs/uploads/?mount=${digest}`)).status).toBe(201)
  })

  test('what is there already needs no other repository', async () => {
    const server = await startRegistry()
    await putBlob(server, 'a', bytes)
    const answer = await send(server, 'POST', `/v2/a/blobs/uploads/?mount=${digest}&from=none`)
    expect(answer).toMatchObject({ status: 201, headers: { location: `/v2/a/blobs/${digest}` } })
  })

  test('refuses what is no digest', async () => {
    const server = await startRegistry()
    const answer = await send(server, 'POST', '/v2/a/blobs/uploads/?mount=x&from=b')
    expect(answer).toMatchObject({ status: 400, code: 'DIGEST_INVALID' })
  })
})

test('a blob is read in ranges, and If-Range guards them', async () => {
  const server = await startRegistry()
  await putBlob(server, 'a', bytes)
  const read = (headers: Record<string, string>): Promise<Answer> =>
    send(server, 'GET', `/v2/a/blobs/${digest}`, { headers })
  expect(await read({ range: 'bytes=5-9' })).toMatchObject({
    status: 206,
    headers: { 'content-range': `bytes 5-9/${bytes.length}`, 'content-length': '5' },
    body: bytes.subarray(5, 10),
  })
  expect((await read({ range: 'bytes=5-9', 'if-range': `"${digest}"` })).status).toBe(206)
  expect((await read({ range: 'bytes=5-9', 'if-range': '"other"' })).status).toBe(200)
  expect((await read({ 'if-none-match': `"${digest}"` })).status).toBe(304)
  const none = await read({ range: 'bytes=99999-' })
  expect(none).toMatchObject({
    status: 416,
    code: 'RANGE_INVALID',
    headers: { 'content-range': `bytes */${bytes.length}` },
  })
})

test('a blob whose file is gone is not there, and a push brings it back', async () => {
  const root = temporaryFolder()
  const server = await startRegistry({ root })
  await putBlob(server, 'a', bytes)
  const at = `/v2/a/blobs/${digest}`
  rmSync(path.join(root, 'blobs/sha256', digest.slice(7, 9), digest.slice(7)))
  const answer = await send(server, 'GET', at, { headers: { range: 'bytes=0-5' } })
  expect(answer).toMatchObject({ status: 404, code: 'BLOB_UNKNOWN' })
  expect(answer.headers).not.toHaveProperty('etag')
  expect(answer.headers).not.toHaveProperty('content-range')
  expect((await send(server, 'HEAD', at)).status).toBe(404)
  await putBlob(server, 'a', bytes)
  expect((await send(server, 'GET', at)).body).toEqual(bytes)
})
