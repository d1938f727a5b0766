/** skopeo, podman and buildah push to our registry and pull from it, as their users would. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findProgram } from '../../../src/host/index.ts'
import { MANNERS, type OurRegistry, startOurRegistry } from './our-registry.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
const has = (program: string): boolean => findProgram(program) !== undefined

describe.skipIf(!has('openssl')).each(MANNERS)('$about', (manner) => {
  let folder: string
  let registry: OurRegistry
  let docker: (name: string) => string

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-clients-'))
    writeFileSync(path.join(folder, 'auth.json'), '{}')
    registry = await startOurRegistry(manner)
    docker = (name) => `docker://${registry.domain}/${name}`
  })
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Runs a program to its end; answers with what it printed. */
  async function call(program: string, ...argv: string[]): Promise<string> {
    const env = {
      PATH: process.env['PATH'],
      HOME: folder,
      REGISTRY_AUTH_FILE: path.join(folder, 'auth.json'),
      // podman makes a socket below it
      XDG_RUNTIME_DIR: folder,
      ...(manner.tls ? { SSL_CERT_FILE: registry.certificate } : {}),
    }
    return (await run(program, argv, { env, timeout: 50_000 })).stdout
  }

  async function loginWith(program: string, user = 'writer', password = `pw-${user}`): Promise<string> {
    return call(program, 'login', ...insecure(), '-u', user, '-p', password, registry.domain)
  }

  function insecure(prefix = '--'): string[] {
    return manner.tls ? [] : [`${prefix}tls-verify=false`]
  }

  describe.skipIf(!has('skopeo'))('skopeo', () => {
    const fromTo = (): string[] => [...insecure('--src-'), ...insecure('--dest-')]
    beforeAll(async () => {
      if (manner.users) await loginWith('skopeo')
    })

    test('copies all platforms, inspects, lists and deletes', async () => {
      await call('skopeo', 'copy', '-q', '--all', ...fromTo(), docker('first/app:1.0'), docker('second/app:2.0'))
      const inspected = await call('skopeo', 'inspect', '--raw', ...insecure(), docker('second/app:2.0'))
      expect(inspected).toBe(registry.sample.index.bytes.toString())
      const told = JSON.parse(await call('skopeo', 'inspect', ...insecure(), docker('second/app:2.0')))
      expect(told).toMatchObject({ Name: `${registry.domain}/second/app`, Os: 'linux', RepoTags: ['2.0'] })
      const listed = await call('skopeo', 'list-tags', ...insecure(), docker('second/app'))
      expect(JSON.parse(listed)).toMatchObject({ Tags: ['2.0'] })
      await call('skopeo', 'delete', ...insecure(), docker('second/app:2.0'))
      expect(await registry.tags('second/app')).toEqual([])
      expect(await registry.tags('first/app')).toEqual(['1.0'])
    })

    test('takes one platform to a folder, and back as a Docker image', async () => {
      const layout = `oci:${path.join(folder, 'layout')}:app`
      const take = ['--override-os', 'linux', '--override-arch', 'arm64', 'copy', '-q']
      await call('skopeo', ...take, ...insecure('--src-'), docker('first/app:1.0'), layout)
      await call('skopeo', ...take, '--format', 'v2s2', ...insecure('--dest-'), layout, docker('third/app:docker'))
      const type = await registry.mediaType('third/app', 'docker')
      expect(type).toBe('application/vnd.docker.distribution.manifest.v2+json')
    })

    test('synchronises a repository to a folder', async () => {
      const target = path.join(folder, 'synchronised')
      mkdirSync(target)
      const argv = ['sync', '--all', '--src', 'docker', '--dest', 'dir', ...insecure('--src-')]
      await call('skopeo', ...argv, `${registry.domain}/first/app`, target)
      const copied = await call('skopeo', 'inspect', '--raw', `dir:${path.join(target, 'app:1.0')}`)
      expect(copied).toBe(registry.sample.index.bytes.toString())
    })

    test.skipIf(!manner.users)('is told who may not', async () => {
      const refused = /unauthorized|denied|authentication required|invalid username/
      await expect(loginWith('skopeo', 'writer', 'wrong')).rejects.toThrow(refused)
      const copy = (as: string): Promise<string> => {
        const creds = ['--src-creds', as, '--dest-creds', as]
        return call('skopeo', 'copy', '-q', ...creds, ...fromTo(), docker('first/app:1.0'), docker('refused/app:1'))
      }
      await expect(copy('reader:pw-reader')).rejects.toThrow(refused)
      await expect(copy('writer:wrong')).rejects.toThrow(refused)
      const inspect = ['inspect', '--raw', ...insecure()]
      await expect(call('skopeo', ...inspect, '--no-creds', docker('first/app:1.0'))).rejects.toThrow(refused)
      expect(await call('skopeo', ...inspect, '--creds', 'reader:pw-reader', docker('first/app:1.0'))).not.toBe('')
    })
  })

  describe.each(['podman', 'buildah'])('%s', (program) => {
    const named = (name: string): string => `${registry.domain}/${name}`
    const mine = (...argv: string[]): Promise<string> => {
      const places = ['--root', path.join(folder, program), '--runroot', path.join(folder, `${program}-run`)]
      return call(program, ...places, '--storage-driver', 'vfs', ...argv)
    }
    beforeAll(async () => {
      if (isRoot && has(program) && manner.users) await loginWith(program)
    })

    test.skipIf(!isRoot || !has(program))('pulls and pushes', async () => {
      await mine('pull', '-q', ...insecure(), named('first/app:1.0'))
      await mine('tag', named('first/app:1.0'), named(`${program}/app:pushed`))
      await mine('push', '-q', ...insecure(), named(`${program}/app:pushed`))
      expect(await registry.tags(`${program}/app`)).toEqual(['pushed'])
      await mine('rmi', '-f', named(`${program}/app:pushed`))
      await mine('pull', '-q', ...insecure(), named(`${program}/app:pushed`))
      expect(await mine('images', '-q')).not.toBe('')
    })

    test.skipIf(!isRoot || !has(program))('pushes a list with all platforms', async () => {
      const list = named(`${program}/list:1`)
      await mine('manifest', 'create', list)
      await mine('manifest', 'add', '--all', ...insecure(), list, docker('first/app:1.0'))
      await mine('manifest', 'push', '--all', ...insecure(), list, docker(`${program}/list:1`))
      const whole = await mine('manifest', 'inspect', list)
      expect(JSON.parse(whole).manifests).toHaveLength(2)
      expect(await registry.mediaType(`${program}/list`, '1')).toMatch(/manifest\.list|image\.index/)
    })
  })
})
