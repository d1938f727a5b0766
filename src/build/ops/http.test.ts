import { spawnSync } from 'node:child_process'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { hearingJob } from '../../container/fixture.suite.ts'
import { toByteString } from '../../core/index.ts'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { digestFor, errorOf, listFiles, solveText } from '../fixture.suite.ts'
import { download } from '../http/download.ts'

const servers: http.Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections()
})

interface Site {
  url: string
  /** Method, path and conditions of each request. */
  asked: string[]
}

/** A server on the loopback; `answer` is what it does. */
async function serve(answer: http.RequestListener): Promise<Site> {
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    const condition = request.headers['if-none-match'] ?? request.headers['if-modified-since'] ?? ''
    asked.push(`${request.url} ${condition}`.trim())
    answer(request, response)
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const text =
  (body: string, headers: http.OutgoingHttpHeaders = {}): http.RequestListener =>
  (_, response) =>
    void response.writeHead(200, headers).end(body)

const DATE = 'Wed, 21 Oct 2015 07:28:00 GMT'

describe('ADD of a URL', () => {
  test('is a file of mode 600, with the server’s time', async () => {
    const { url } = await serve(text('hello', { 'last-modified': DATE }))
    const { tree } = await solveText(temporaryStore(), `FROM scratch\nADD ${url}/a/b.txt?q /d/\n`)
    expect(listFiles(tree)).toEqual({ 'd/': '', 'd/b.txt': 'hello' })
    expect(tree.stat(toByteString('d/b.txt'))).toMatchObject({
      mode: 0o600,
      mtime: { seconds: Date.parse(DATE) / 1000 },
    })
  })

  test('stays packed, and takes --chmod', async () => {
    const { url } = await serve(text('x'.repeat(600)))
    const { tree } = await solveText(temporaryStore(), `FROM scratch\nADD --chmod=644 ${url}/a.tar /\n`)
    expect(tree.stat(toByteString('a.tar'))).toMatchObject({ mode: 0o644, size: 600, mtime: { seconds: 0 } })
  })

  test.each([
    ['etag', { etag: '"v1"' }, '"v1"'],
    ['last-modified', { 'last-modified': DATE }, DATE],
  ])('is asked for again with its %s, and not transferred while that holds', async (_, headers, condition) => {
    const site = await serve((request, response) => {
      const holds = [request.headers['if-none-match'], request.headers['if-modified-since']].includes(condition)
      if (holds) response.writeHead(304).end()
      else response.writeHead(200, headers).end('hello')
    })
    const store = temporaryStore()
    const dockerfile = `FROM scratch\nADD ${site.url}/f /\n`
    await solveText(store, dockerfile)
    const again = await solveText(store, dockerfile)
    expect(Object.values(again.outcomes)).toEqual(['cached'])
    expect(listFiles(again.tree)).toEqual({ f: 'hello' })
    expect(site.asked).toEqual(['/f', `/f ${condition}`])
  })

  test('that has another content now is added anew', async () => {
    let count = 0
    const { url } = await serve((request, response) => text(`content ${++count}`)(request, response))
    const store = temporaryStore()
    await solveText(store, `FROM scratch\nADD ${url}/f /\n`)
    const { tree, outcomes } = await solveText(store, `FROM scratch\nADD ${url}/f /\n`)
    expect(Object.values(outcomes)).toEqual(['done'])
    expect(listFiles(tree)).toEqual({ f: 'content 2' })
  })

  test('follows redirects, and keeps the name that was written', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/end') response.end('there')
      else response.writeHead(302, { location: request.url === '/f' ? '/middle' : 'end' }).end()
    })
    expect(listFiles((await solveText(temporaryStore(), `FROM scratch\nADD ${url}/f /\n`)).tree)).toEqual({
      f: 'there',
    })
  })

  test('sends user and password of the URL, once', async () => {
    const seen: (string | undefined)[] = []
    const { url } = await serve((request, response) => {
      seen.push(request.headers.authorization)
      response.end('x')
    })
    const store = temporaryStore()
    const { job } = await solveText(store, `FROM scratch\nADD ${url.replace('//', '//me:p%40ss@')}/f /\n`)
    expect(seen).toEqual([`Basic ${Buffer.from('me:p@ss').toString('base64')}`])
    expect(job.events.filter((event) => JSON.stringify(event).includes('p%40ss'))).toEqual([])
    expect(spawnSync('grep', ['-rl', 'p%40ss', store.layout.root]).status).toBe(1)
  })

  test('shows how far it is', async () => {
    const { url } = await serve(text('hello', { 'content-length': 5 }))
    const job = hearingJob()
    await solveText(temporaryStore(), `FROM scratch\nADD ${url}/f /\n`, { job })
    expect(job.events).toContainEqual(expect.objectContaining({ type: 'bytes', done: 5, total: 5 }))
  })
})

describe('a checksum', () => {
  test('that fits is fine, another one is an error with a line', async () => {
    const { url } = await serve(text('hello'))
    const add = (sum: string) => solveText(temporaryStore(), `FROM scratch\nADD --checksum=${sum} ${url}/f /\n`)
    expect(listFiles((await add(digestFor('hello'))).tree)).toEqual({ f: 'hello' })
    expect(await errorOf(add(digestFor('other')))).toBe(
      `2: digest mismatch ${digestFor('hello')}: ${digestFor('other')} for ${url}/f`,
    )
  })
})

describe('secrets', () => {
  async function credentials(secrets: (host: string) => Record<string, string>, path = '/f'): Promise<string[]> {
    const seen: string[] = []
    const note: http.RequestListener = (request, response) => {
      seen.push(`${request.url} ${request.headers.authorization ?? ''}`.trim())
      const target = request.url === '/elsewhere' ? other.url : request.url === '/here' ? '' : undefined
      if (target === undefined) response.end('x')
      else response.writeHead(302, { location: `${target}/end` }).end()
    }
    const other = await serve(note)
    const { url } = await serve(note)
    const given = Object.entries(secrets(new URL(url).host)).map(([id, value]) => [id, { value }] as const)
    await solveText(temporaryStore(), `FROM scratch\nADD ${url}${path} /d/\n`, { secrets: Object.fromEntries(given) })
    return seen
  }

  test('open the door of their host', async () => {
    expect(await credentials(() => ({ 'HTTP_AUTH_TOKEN_127.0.0.1': 'abc\n' }))).toEqual(['/f Bearer abc'])
    expect(await credentials((host) => ({ [`HTTP_AUTH_HEADER_${host}`]: 'Basic x' }))).toEqual(['/f Basic x'])
    const both = (host: string) => ({ [`HTTP_AUTH_TOKEN_${host}`]: 'port', 'HTTP_AUTH_HEADER_127.0.0.1': 'none' })
    expect(await credentials(both)).toEqual(['/f Bearer port'])
    expect(await credentials(() => ({ HTTP_AUTH_TOKEN_other: 'abc' }))).toEqual(['/f'])
  })

  test('do not go to another host behind a redirect', async () => {
    const secrets = () => ({ 'HTTP_AUTH_TOKEN_127.0.0.1': 'abc' })
    expect(await credentials(secrets, '/here')).toEqual(['/here Bearer abc', '/end Bearer abc'])
    expect(await credentials(secrets, '/elsewhere')).toEqual(['/elsewhere Bearer abc', '/end'])
  })

  test('of more than one line are an error', async () => {
    const asking = credentials(() => ({ 'HTTP_AUTH_HEADER_127.0.0.1': 'a\nx: y' }))
    await expect(asking).rejects.toMatchObject({ code: 'SECRET_INVALID', span: { line: 2 } })
  })
})

describe('a download that fails', () => {
  const add = (url: string) => errorOf(solveText(temporaryStore(), `FROM scratch\nADD ${url} /\n`))

  test('with a status', async () => {
    const { url } = await serve((_, response) => void response.writeHead(404).end())
    expect(await add(`${url}/f`)).toBe(`2: cannot download ${url}/f: invalid response status 404`)
  })

  test('in the middle', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('half')
      setTimeout(() => response.destroy(), 20)
    })
    expect(await add(`${url}/f`)).toMatch(/^2: cannot download/)
  })

  test('in circles', async () => {
    const { url, asked } = await serve((_, response) => void response.writeHead(302, { location: '/f' }).end())
    expect(await add(`${url}/f`)).toContain('more than 5 redirects')
    expect(asked).toHaveLength(6)
  })

  test('at an address of the machine’s own link, also by a redirect', async () => {
    expect(await add('http://169.254.169.254/secret')).toContain('link-local address 169.254.169.254')
    expect(await add('http://[fe80::1]/secret')).toContain('link-local')
    const { url } = await serve(
      (_, response) => void response.writeHead(302, { location: 'http://169.254.1.1/' }).end(),
    )
    expect(await add(`${url}/f`)).toContain('link-local')
  })

  test('by a redirect to something that is no web address', async () => {
    const { url } = await serve((_, response) => void response.writeHead(302, { location: 'file:///etc/passwd' }).end())
    expect(await add(`${url}/f`)).toContain('cannot fetch file: addresses')
  })

  test('shows no password', async () => {
    const { url } = await serve((_, response) => void response.writeHead(500).end())
    expect(await add(`${url.replace('//', '//me:secret@')}/f`)).not.toContain('secret')
  })

  test('stops with the build', async () => {
    const { url } = await serve(() => {})
    const stop = new AbortController()
    const adding = solveText(temporaryStore(), `FROM scratch\nADD ${url}/f /\n`, { job: hearingJob(stop.signal) })
    setTimeout(() => stop.abort(), 50)
    await expect(adding).rejects.toMatchObject({ code: 'CANCELED' })
  })

  test('when the server goes silent, before or in the middle', async () => {
    const { url } = await serve((request, response) => {
      if (request.url === '/half') response.writeHead(200, { 'content-length': 100 }).write('half')
    })
    const store = temporaryStore()
    for (const path of ['/none', '/half']) {
      const from = { url: `${url}${path}`, silence: 200 }
      const downloading = download({ store, lease: store.testLease }, from, 'task', hearingJob())
      await expect(downloading).rejects.toMatchObject({
        code: 'DOWNLOAD_FAILED',
        message: expect.stringMatching(/timeout/i),
      })
    }
  })

  test('at a name that means an address of the machine’s own link', async () => {
    const lookups = ['169.254.10.10', 'fe80::10', '::ffff:169.254.10.10', '64:ff9b::a9fe:a9fe', 'fd00:ec2::254']
    for (const address of lookups) {
      const host = address.includes(':') ? `[${address}]` : address
      expect(await add(`http://${host}/secret`)).toContain('link-local address')
    }
    // other spellings of 169.254.169.254
    for (const host of ['0xa9fea9fe', '2852039166', '169.254.43518']) {
      expect(await add(`http://${host}/secret`)).toContain('link-local address 169.254.169.254')
    }
  })
})
