import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request as ask, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { findProgram } from '../../host/index.ts'
import { makeCertificate, settingsFor } from '../docker-registry.suite.ts'
import { makeManifest, openAt, reply, type Script, startScripted } from '../scripted-server.suite.ts'

const { bytes, descriptor } = makeManifest()
const manifest: Script = (_, response) =>
  reply(response, 200, {
    'content-type': descriptor.mediaType,
    'content-length': String(bytes.length),
    'docker-content-digest': descriptor.digest,
  })

/** A proxy that leads every host to one server, and notes what it was asked for. */
async function startProxy(domain: string): Promise<AsyncDisposable & { url: string; asked: string[] }> {
  const asked: string[] = []
  const [host, port] = domain.split(':')
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const { pathname } = new URL(request.url!)
    const passed = ask({ host, port, path: pathname, method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers)
      answer.pipe(response)
    })
    request.pipe(passed)
  })
  server.on('connect', (request, client) => {
    asked.push(`CONNECT ${request.url}`)
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(client).pipe(upstream)
    })
    for (const socket of [client, upstream]) socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

afterEach(() => vi.unstubAllEnvs())

describe('a registry behind a proxy', () => {
  test('is asked for by its name', async () => {
    await using server = await startScripted(manifest)
    await using proxy = await startProxy(server.domain)
    vi.stubEnv('HTTP_PROXY', proxy.url)
    vi.stubEnv('NO_PROXY', '')
    const settings = settingsFor({ endpoint: { url: 'http://registry.example:5000/v2' } })
    expect(await openAt('registry.example:5000', { settings }).resolve('1')).toMatchObject({
      digest: descriptor.digest,
    })
    expect(proxy.asked).toEqual(['HEAD http://registry.example:5000/v2/app/manifests/1'])
  })

  test.skipIf(!findProgram('openssl'))('is spoken to by TLS through it (needs openssl)', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'slipway-proxy-'))
    const { key, cert } = makeCertificate(directory)
    const pair = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
    rmSync(directory, { recursive: true })
    await using server = await startScripted(manifest, pair)
    await using proxy = await startProxy(server.domain)
    vi.stubEnv('HTTPS_PROXY', proxy.url)
    vi.stubEnv('NO_PROXY', '')
    const tls = { ca: [pair.cert], verify: true }
    const open = (verified: boolean): Promise<unknown> => {
      const settings = settingsFor({ endpoint: { tls: { ...tls, verify: verified }, allowsPlainHttp: false } })
      return openAt('registry.example', { settings }).resolve('1')
    }
    // the certificate is for another name
    await expect(open(true)).rejects.toMatchObject({ message: expect.stringContaining('x509') })
    expect(await open(false)).toMatchObject({ digest: descriptor.digest })
    expect(new Set(proxy.asked)).toEqual(new Set(['CONNECT registry.example:443']))
  })
})
