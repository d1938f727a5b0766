import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../core/index.ts'
import { putBlob, putImage, send, startRegistry, temporaryFolder } from './fixture.suite.ts'

const children: ChildProcess[] = []
const main = path.resolve(import.meta.dirname, '../../cli/bin.ts')

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

/** The server as a process of its own, as a user starts it. */
async function spawnServer(root: string): Promise<{ url: string; child: ChildProcess }> {
  const argv = [
    '--disable-warning=ExperimentalWarning',
    main,
    'registry',
    'serve',
    '--listen',
    '127.0.0.1:0',
    '--root',
    root,
  ]
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const [line] = (await once(createInterface(child.stdout!), 'line')) as [string]
  return { url: line.replace('Listening at ', ''), child }
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

describe('a server that is killed', () => {
  test('has everything that it acknowledged, and uploads go on', async () => {
    const root = temporaryFolder()
    const bytes = randomBytes(3_000_000)
    const first = await spawnServer(root)
    const image = await putImage(first, 'a', '1')
    const blob = await putBlob(first, 'a', bytes.subarray(0, 1000))
    const { headers } = await send(first, 'POST', '/v2/a/blobs/uploads/')
    const at = headers.location!
    await send(first, 'PATCH', at, { body: bytes.subarray(0, 1_000_000) })
    // and more, which the server has not acknowledged when it dies
    const outgoing = request(`${first.url}${at}`, { method: 'PATCH', headers: { 'transfer-encoding': 'chunked' } })
    outgoing.on('error', () => {})
    outgoing.write(bytes.subarray(1_000_000, 2_500_000))
    await expect.poll(async () => (await send(first, 'GET', at)).headers.range).toBe('0-2499999')
    await kill(first.child)

    const second = await spawnServer(root)
    expect((await send(second, 'GET', '/v2/a/manifests/1')).body).toEqual(image.bytes)
    expect((await send(second, 'GET', `/v2/a/blobs/${blob}`)).body).toEqual(bytes.subarray(0, 1000))
    const { headers: state } = await send(second, 'GET', at)
    const offset = Number(/^0-(\d+)$/.exec(state.range!)![1]) + 1
    expect(offset).toBeGreaterThanOrEqual(1_000_000)
    const end = await send(second, 'PUT', `${at}?digest=${digestOf(bytes)}`, { body: bytes.subarray(offset) })
    expect(end.status).toBe(201)
    expect((await send(second, 'GET', `/v2/a/blobs/${digestOf(bytes)}`)).body).toEqual(bytes)
  })
})

describe('a server that is stopped', () => {
  test('answers what is in flight first', async () => {
    const { url, child } = await spawnServer(temporaryFolder())
    const ended = once(child, 'exit')
    const digest = digestOf('slow')
    const outgoing = request(`${url}/v2/a/blobs/uploads/?digest=${digest}`, {
      method: 'POST',
      headers: { 'content-length': 4 },
      agent: false,
    })
    const answered = new Promise<number>((resolve) =>
      outgoing.on('response', (one) => resolve(one.resume().statusCode!)),
    )
    outgoing.write('sl')
    await expect.poll(async () => (await send({ url }, 'GET', '/v2/')).status).toBe(200)
    child.kill('SIGTERM')
    await expect
      .poll(() =>
        send({ url }, 'GET', '/v2/').then(
          () => 'open',
          () => 'closed',
        ),
      )
      .toBe('closed')
    outgoing.end('ow')
    expect(await answered).toBe(201)
    expect(await ended).toEqual([0, null])
  })

  test('ends at once with the second signal', async () => {
    const { url, child } = await spawnServer(temporaryFolder())
    const ended = once(child, 'exit')
    const outgoing = request(`${url}/v2/a/blobs/uploads/?digest=${digestOf('x')}`, {
      method: 'POST',
      headers: { 'content-length': 9 },
    })
    outgoing.on('error', () => {})
    outgoing.write('x')
    await expect.poll(async () => (await send({ url }, 'GET', '/v2/')).status).toBe(200)
    child.kill('SIGTERM')
    await expect
      .poll(() =>
        send({ url }, 'GET', '/v2/').then(
          () => 'open',
          () => 'closed',
        ),
      )
      .toBe('closed')
    child.kill('SIGTERM')
    expect(await ended).toEqual([143, null])
  })

  test('breaks off what does not end', async () => {
    const server = await startRegistry({ config: { limits: { stop_seconds: 1 } } })
    const outgoing = request(`${server.url}/v2/a/blobs/uploads/?digest=${digestOf('x')}`, {
      method: 'POST',
      headers: { 'content-length': 9 },
    })
    const broken = once(outgoing, 'error')
    outgoing.write('x')
    await send(server, 'GET', '/v2/')
    await server.close()
    expect(await broken).toEqual([expect.objectContaining({ code: 'ECONNRESET' })])
  })
})

describe('a server is not started', () => {
  test('twice over one folder', async () => {
    const root = temporaryFolder()
    await startRegistry({ root })
    await expect(startRegistry({ root })).rejects.toMatchObject({ code: 'REGISTRY_IN_USE' })
  })

  test('where another one listens, and gives the folder back', async () => {
    const first = await startRegistry()
    const root = temporaryFolder()
    const listen = first.url.replace('http://', '')
    await expect(startRegistry({ root, config: { listen } })).rejects.toMatchObject({ code: 'REGISTRY_LISTEN_FAILED' })
    await startRegistry({ root })
  })
})

describe('a server that cannot start says why', () => {
  test('the port is taken', async () => {
    const { url } = await startRegistry()
    await expect(startRegistry({ config: { listen: url.replace('http://', '') } })).rejects.toMatchObject({
      code: 'REGISTRY_LISTEN_FAILED',
      message: expect.stringContaining('address already in use'),
      hint: expect.stringContaining('--listen'),
    })
  })

  test('another one has the folder', async () => {
    const root = temporaryFolder()
    await startRegistry({ root })
    const refused = { code: 'REGISTRY_IN_USE', message: expect.stringContaining(root) }
    await expect(startRegistry({ root })).rejects.toMatchObject(refused)
  })

  test('the folder is none, and the next attempt finds nothing held', async () => {
    const folder = temporaryFolder()
    const root = path.join(folder, 'root')
    writeFileSync(root, '')
    await expect(startRegistry({ root })).rejects.toMatchObject({ code: 'REGISTRY_UNUSABLE' })
    rmSync(root)
    await startRegistry({ root })
  })

  test('the tables are damaged', async () => {
    const root = temporaryFolder()
    writeFileSync(path.join(root, 'registry.db'), Buffer.alloc(8192, 'x'))
    const refused = { code: 'REGISTRY_UNUSABLE', hint: expect.stringContaining('backup') }
    await expect(startRegistry({ root })).rejects.toMatchObject(refused)
  })
})

test('parts hear of every answer, and may add routes', async () => {
  const heard: unknown[] = []
  const server = await startRegistry({
    parts: [
      () => ({
        authorize: () => ({ user: 'ann' }),
        finished: ({ method, path: at, route, repository, status, user, failure }) =>
          void heard.push([method, at, route, repository, status, user, failure]),
        plugins: [(app) => void app.get('/hello', async () => ({ hello: 'world' }))],
      }),
    ],
  })
  expect((await send(server, 'GET', '/hello')).body.toString()).toBe('{"hello":"world"}')
  expect(await send(server, 'GET', '/nothing')).toMatchObject({ status: 404, code: 'UNSUPPORTED' })
  await send(server, 'GET', '/v2/a/manifests/1?x=y')
  await expect
    .poll(() => heard)
    .toEqual([['GET', '/v2/a/manifests/1', 'manifest', 'a', 404, 'ann', 'MANIFEST_UNKNOWN']])
})

test('a listener may stop a change, and nothing is left of it', async () => {
  const { refuse } = await import('./failure.ts')
  const changes: string[] = []
  const server = await startRegistry({
    parts: [
      ({ storage }) => {
        storage.listen({
          before: (change) => {
            if (change.kind === 'manifest-put' && change.tags.some((tag) => tag.previous))
              throw refuse('DENIED', 'tags stay')
          },
          after: (change) => void changes.push(change.kind),
        })
        return {}
      },
    ],
  })
  const first = await putImage(server, 'a', '1', 'first')
  await expect(putImage(server, 'a', '1', 'second')).rejects.toThrow('403')
  expect((await send(server, 'GET', '/v2/a/manifests/1')).body).toEqual(first.bytes)
  expect(changes).toEqual(['blob-linked', 'manifest-put', 'blob-linked'])
})
