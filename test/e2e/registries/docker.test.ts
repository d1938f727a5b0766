/** Docker pushes to our registry and pulls from it, as its users would. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findProgram } from '../../../src/host/index.ts'
import { archive, forge } from '../../../src/layer/tar/forge.suite.ts'
import { type Docker, findDockers, startDocker } from './docker-daemon.ts'
import { MANNERS, type OurRegistry, startOurRegistry } from './our-registry.ts'

const isRoot = process.getuid?.() === 0
const canRun = isRoot && ['unshare', 'setpriv', 'openssl', 'runc'].every((program) => findProgram(program))
const found = findDockers()
// the newer ones keep images in one of two ways, and push differently
const dockers = found.flatMap((programs) => [
  { about: programs.about, programs, containerd: false },
  ...(programs.major >= 25 ? [{ about: `${programs.about}, images in containerd`, programs, containerd: true }] : []),
])

const REFUSED = /requested access to the resource is denied|access denied for|authorization failed/

const registries: OurRegistry[] = []

beforeAll(async () => {
  if (!canRun || dockers.length === 0) return
  for (const manner of MANNERS) registries.push(await startOurRegistry(manner))
})
afterAll(async () => {
  for (const registry of registries) await registry[Symbol.asyncDispose]()
})

test.skipIf(canRun && found.length > 0)('needs root, unshare, setpriv, openssl, runc and dockerd', (context) => {
  context.skip()
})
test.skipIf(process.env['SLIPWAY_TEST_DOCKER_BIN'])(
  'another Docker: the folder of its programs in SLIPWAY_TEST_DOCKER_BIN',
  (context) => {
    context.skip()
  },
)

describe.skipIf(!canRun).each(dockers)('$about', ({ programs, containerd }) => {
  let docker: Docker
  beforeAll(async () => {
    docker = await startDocker(programs, { certificates: registries.map(({ certificate }) => certificate), containerd })
  })
  afterAll(() => docker?.[Symbol.asyncDispose]())

  describe.each(MANNERS.map((manner, at) => ({ ...manner, at })))('$about', ({ at, users, tls }) => {
    let registry: OurRegistry
    let named: (name: string) => string
    const insecure = tls ? [] : ['--insecure']
    /** So that several versions do not meet in a repository. */
    const own = `v${programs.major}${containerd ? 'c' : ''}`

    beforeAll(async () => {
      registry = registries[at]!
      named = (name) => `${registry.domain}/${name}`
      if (users) await login('writer')
    })

    async function login(user: string): Promise<string> {
      return docker.with(`pw-${user}`, 'login', '-u', user, '--password-stdin', registry.domain)
    }

    /** An image with a layer of a few MiB that nobody else has. */
    async function imported(name: string): Promise<string> {
      const file = forge({ name: 'bytes' }, randomBytes(3 << 20))
      const id = await docker.with(archive(file), 'import', '-', named(name))
      return id.trim()
    }

    test('pulls one of several platforms, and pushes what it pulled', async () => {
      const pulled = await docker('pull', named('first/app:1.0'))
      expect(pulled).toContain(`Digest: ${registry.sample.index.descriptor.digest}`)
      await docker('tag', named('first/app:1.0'), named(`${own}/copied:2`))
      expect(await docker('push', named(`${own}/copied:2`))).toMatch(/Mounted from first\/app|Layer already exists/)
      expect(await registry.tags(`${own}/copied`)).toEqual(['2'])
      await docker('rmi', named('first/app:1.0'))
      expect(await docker('pull', named(`first/app@${registry.sample.manifest.descriptor.digest}`))).toContain(
        'Status:',
      )
    })

    test.runIf(containerd)('pulls all platforms, and pushes the same index', async () => {
      const { digest } = registry.sample.index.descriptor
      for (const arch of ['amd64', 'arm64']) await docker('pull', '--platform', `linux/${arch}`, named('first/app:1.0'))
      await docker('tag', named('first/app:1.0'), named(`${own}/whole:1`))
      expect(await docker('push', named(`${own}/whole:1`))).toContain(`1: digest: ${digest}`)
      expect(await registry.mediaType(`${own}/whole`, digest)).toBe(registry.sample.index.descriptor.mediaType)
    })

    test('pushes its own image, and gets it back as it was', async () => {
      const name = `${own}/own:1`
      const id = await imported(name)
      expect(await docker('push', named(name))).toMatch(/1: digest: sha256:[0-9a-f]{64} size: \d+/)
      await docker('rmi', '-f', id)
      await docker('pull', '-q', named(name))
      expect((await docker('image', 'inspect', '-f', '{{.Id}}', named(name))).trim()).toBe(id)
    })

    test('pulls and pushes all tags', async () => {
      const tags = ['a', 'b', 'c']
      const id = await imported(`${own}/all:a`)
      for (const tag of tags.slice(1)) await docker('tag', named(`${own}/all:a`), named(`${own}/all:${tag}`))
      await docker('push', '-a', named(`${own}/all`))
      expect(await registry.tags(`${own}/all`)).toEqual(tags)
      await docker('rmi', '-f', id)
      await docker('pull', '-a', named(`${own}/all`))
      const kept = await docker('images', '--format', '{{.Tag}}', named(`${own}/all`))
      expect(kept.trim().split('\n').sort()).toEqual(tags)
    })

    test('makes, shows and pushes lists of manifests', async () => {
      const list = named(`${own}/list:1`)
      const parts = ['amd64', 'arm64'].map((arch) => ({ arch, name: `${own}/list:${arch}` }))
      for (const { name } of parts) {
        await imported(name)
        await docker('push', named(name))
      }
      await docker('manifest', 'create', ...insecure, list, ...parts.map(({ name }) => named(name)))
      await docker('manifest', 'annotate', '--arch', 'arm64', list, named(parts[1]!.name))
      const digest = (await docker('manifest', 'push', ...insecure, '--purge', list)).trim().split('\n').at(-1)
      expect(digest).toMatch(/^sha256:/)
      const shown = JSON.parse(await docker('manifest', 'inspect', ...insecure, list))
      expect(shown.manifests).toMatchObject([{}, { platform: { architecture: 'arm64' } }])
      expect(await registry.mediaType(`${own}/list`, '1')).toBe(shown.mediaType)
      expect(await docker('pull', list)).toContain(`Digest: ${digest}`)
    })

    test.skipIf(!users)('is told who may not', async () => {
      const name = named(`${own}/refused:1`)
      await imported(`${own}/refused:1`)
      const wrong = docker.with('wrong', 'login', '-u', 'writer', '--password-stdin', registry.domain)
      await expect(wrong).rejects.toThrow(/unauthorized: /)
      try {
        expect(await login('reader')).toContain('Login Succeeded')
        expect(await docker('pull', named('first/app:1.0'))).toContain('Status:')
        await expect(docker('push', name)).rejects.toThrow(REFUSED)
        await docker('logout', registry.domain)
        await expect(docker('pull', named('first/app:1.0'))).rejects.toThrow(REFUSED)
        await expect(docker('push', name)).rejects.toThrow(REFUSED)
      } finally {
        await login('writer')
      }
      expect(await docker('push', name)).toContain('digest: ')
    })

    test('is told what is not there', async () => {
      await expect(docker('pull', named('first/app:none'))).rejects.toThrow(/manifest unknown|not found/)
      await expect(docker('pull', named(`${own}/none:1`))).rejects.toThrow(/unknown|not found/)
    })
  })
})
