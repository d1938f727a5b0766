/** What others hand to a build beside its Dockerfile: locks, caches, contexts as archives, comments, and edited records. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, test } from 'vitest'
import { archive, forge } from '../../src/layer/tar/forge.suite.ts'
import { openArena } from './arena.ts'
import type { Examined } from './examine.ts'
import { listTree } from './views.ts'

const arena = openArena()
const { work, canary, context, build, play, file } = arena

const DIGEST = `sha256:${'a'.repeat(64)}`
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

describe('Dockerfile.lock', () => {
  beforeEach(() => file('Dockerfile', 'FROM busybox\nADD https://example.invalid/x /x\n'))

  test.each([
    ['nothing', ''],
    ['no JSON', '{"lockVersion":1'],
    ['no object', '[]'],
    ['another version', '{"lockVersion":"1"}'],
    ['a list of images', '{"lockVersion":1,"images":[]}'],
    ['an image that is a text', '{"lockVersion":1,"images":{"docker.io/library/busybox:latest":"x"}}'],
    ['a digest that is a path', '{"lockVersion":1,"images":{"b":{"linux/amd64":"sha256:../../../etc/passwd"}}}'],
    ['a digest that is a number', '{"lockVersion":1,"http":{"https://example.invalid/x":{"digest":1}}}'],
    ['a commit that is an option', '{"lockVersion":1,"git":{"x":{"commit":"--upload-pack=x"}}}'],
    ['a depth of 100,000', `{"lockVersion":1,"images":${nested(100_000)}}`],
    ['names that a terminal obeys', '{"lockVersion":1,"git":{"\\u001b[2J\\u202e":{}}}'],
    ['17 MiB', `{"lockVersion":1,"images":{}}${' '.repeat(17 << 20)}`],
  ])('with %s is refused', async (_what, text) => {
    file('Dockerfile.lock', text)
    for (const flag of ['--locked', '--update-lock=x']) {
      const { code, result } = await build(flag)
      expect(code).toBeOneOf(['LOCK_INVALID', 'FILE_TOO_LARGE'])
      expect(result.stderr).toContain('Dockerfile.lock')
    }
    const { code } = await play(['--debug', 'lock', '--check', context])
    expect(code).toBeOneOf(['LOCK_INVALID', 'FILE_TOO_LARGE'])
  })

  test('whose keys are those of every object names nothing', async () => {
    const entries = {
      images: `{"linux/amd64":"${DIGEST}","linux/arm64":"${DIGEST}"}`,
      http: `{"digest":"${DIGEST}"}`,
      git: `{"commit":"${'a'.repeat(40)}"}`,
    }
    const groups = Object.entries(entries).map(([group, entry]) => {
      const keys = ['__proto__', 'constructor', 'toString'].map((key) => `"${key}":${entry}`)
      return `"${group}":{${keys.join(',')}}`
    })
    file('Dockerfile.lock', `{"__proto__":{"x":1},"lockVersion":1,${groups.join(',')}}`)
    expect((await build('--locked')).code).toBe('LOCK_INCOMPLETE')
    file('Dockerfile', 'FROM scratch\nLABEL a=b\n')
    for (const name of ['__proto__', 'toString']) {
      expect((await build(`--update-lock=${name}`)).code).toBe('USAGE_INVALID')
    }
  })

  test('that is a link is neither shown nor written through', async () => {
    file('Dockerfile', 'FROM scratch\nLABEL a=b\n')
    symlinkSync(path.join(canary, 'victim'), path.join(context, 'Dockerfile.lock'))
    expect((await build('--locked')).result.exitCode).toBe(1)
    await play(['--debug', 'lock', context])
    rmSync(path.join(context, 'Dockerfile.lock'), { force: true })
    symlinkSync(path.join(canary, 'none'), path.join(context, 'Dockerfile.lock'))
    await play(['--debug', 'lock', context])
    expect(readdirSync(canary)).toEqual(['victim'])
  })

  test('that is a pipe is not waited for', async () => {
    execFileSync('mkfifo', [path.join(context, 'Dockerfile.lock')])
    expect((await build('--locked')).result.exitCode).toBe(1)
  })
})

describe('a build cache in a folder', () => {
  const cache = path.join(work, 'cache')

  beforeEach(async () => {
    rmSync(cache, { recursive: true, force: true })
    file('a', 'content of a\n')
    file('Dockerfile', 'FROM scratch\nCOPY a /a\nCOPY a /b\n')
    const { result } = await build('--cache-to', `type=local,dest=${cache},mode=max`)
    expect(result).toMatchObject({ exitCode: 0 })
    // another store knows nothing of it
    rmSync(arena.root(), { recursive: true })
  })

  const importing = (...args: string[]): Promise<Examined> => build('--cache-from', `type=local,src=${cache}`, ...args)
  const blob = (digest: string): string => path.join(cache, 'blobs/sha256', digest.slice('sha256:'.length))
  const json = (name: string) => JSON.parse(readFileSync(name, 'utf8'))

  /** Writes the cache's index, manifest and config anew, changed. */
  function forgeCache(change: (config: CacheFile) => unknown): void {
    const index = json(path.join(cache, 'index.json'))
    const manifest = json(blob(index.manifests[0].digest))
    const entry = [manifest.config, ...(manifest.manifests ?? [])].find(({ mediaType }) =>
      /cacheconfig/.test(mediaType),
    )
    const changed = change(json(blob(entry.digest)))
    Object.assign(entry, put(typeof changed === 'string' ? changed : JSON.stringify(changed)))
    Object.assign(index.manifests[0], put(JSON.stringify(manifest)))
    writeFileSync(path.join(cache, 'index.json'), JSON.stringify(index))
  }

  function put(text: string): { digest: string; size: number } {
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`
    writeFileSync(blob(digest), text)
    return { digest, size: Buffer.byteLength(text) }
  }

  interface CacheFile {
    layers: { blob: string; annotations: Record<string, unknown> }[]
    slipway: { version: number; steps: Record<string, unknown>[] }
  }

  test('is used as it is', async () => {
    const { result } = await importing()
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stderr).toContain('CACHED')
  })

  test.each<[string, (config: CacheFile) => unknown]>([
    ['nothing in it', () => ''],
    ['a depth of 100,000', () => nested(100_000)],
    ['steps that are no list', (config) => ({ ...config, slipway: { version: 1, steps: {} } })],
    ['a step that is a text', (config) => ({ ...config, slipway: { version: 1, steps: ['x'] } })],
    [
      'a layer that is a path',
      (config) => ({
        ...config,
        layers: config.layers.map((layer) => ({ ...layer, blob: 'sha256:../../../etc/passwd' })),
      }),
    ],
    [
      'more steps than anybody has',
      (config) => ({ ...config, slipway: { version: 1, steps: Array(100_001).fill(0) } }),
    ],
    ['another version', (config) => ({ ...config, slipway: { ...config.slipway, version: 2 } })],
  ])('with %s is not used, with a warning', async (_what, change) => {
    forgeCache(change)
    const { result } = await importing()
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stderr).toContain('is not used')
    expect(result.stderr).not.toContain('CACHED')
  })

  test.each<[string, (index: Record<string, unknown>) => unknown]>([
    [
      'a digest that is a path',
      () => ({ schemaVersion: 2, manifests: [{ ...entry('sha256:../../../../etc/passwd') }] }),
    ],
    ['itself', () => ({ schemaVersion: 2, manifests: [entry(`sha256:${'0'.repeat(64)}`)] })],
    ['a key of every object', () => JSON.parse('{"__proto__":{"manifests":[]},"schemaVersion":2}')],
    ['no list', () => ({ schemaVersion: 2, manifests: 'x' })],
  ])('whose index.json names %s is not used, with a warning', async (_what, change) => {
    const name = path.join(cache, 'index.json')
    writeFileSync(name, JSON.stringify(change(json(name))))
    const { result } = await importing()
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stderr).toContain('is not used')
  })

  function entry(digest: string): object {
    const annotations = { 'org.opencontainers.image.ref.name': 'latest' }
    return { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest, size: 100, annotations }
  }

  test('that is a link to a file, or has pipes for blobs, is not waited for', async () => {
    const { manifests } = json(path.join(cache, 'index.json'))
    rmSync(blob(manifests[0].digest))
    execFileSync('mkfifo', [blob(manifests[0].digest)])
    expect((await importing()).result).toMatchObject({ exitCode: 0 })
    rmSync(blob(manifests[0].digest))
    symlinkSync(path.join(canary, 'victim'), blob(manifests[0].digest))
    expect((await importing('--no-cache')).result).toMatchObject({ exitCode: 0 })
  })

  /** Everything in it, with one layer's content in place of another's. */
  const swapped = ({ layers, ...rest }: CacheFile): unknown => {
    const [one, two] = layers
    const layer = (of: CacheFile['layers'][0], as: CacheFile['layers'][0]) => ({
      ...of,
      annotations: { ...of.annotations, diffID: as.annotations['diffID'] },
    })
    return { ...rest, layers: [layer(one!, two!), layer(two!, one!)] }
  }

  test('whose layers are not what it says is not used for them', async () => {
    forgeCache(swapped)
    const { result } = await importing()
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stderr).toContain('is not used')
    expect([...(await listTree(arena.root(), 'hostile'))].sort()).toEqual(['a', 'b'])
  })

  test('whose blobs hold something else is not used for them', async () => {
    const config = cacheConfig()
    for (const layer of config.layers) writeFileSync(blob(layer.blob), gzipSync(archive(forge({ name: 'pwned' }, 'x'))))
    const { result } = await importing()
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stderr).toContain('is not used')
    expect([...(await listTree(arena.root(), 'hostile'))].sort()).toEqual(['a', 'b'])
  })

  function cacheConfig(): CacheFile {
    let config: CacheFile | undefined
    forgeCache((found) => (config = found))
    return config!
  }

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['lists for objects', { operation: [], content: [[]] }],
    ['numbers', { operation: 1, content: { base: 5, files: 7 } }],
    [
      'keys of every object',
      JSON.parse('{"__proto__":{"a":1},"operation":{"__proto__":5},"content":{"__proto__":[]}}'),
    ],
    ['a file list that is not there', { operation: { sources: 'x' }, content: { files: DIGEST, base: DIGEST } }],
    ['controls', { operation: { '\x1b[2J': '\u202e' }, content: { '\x1b]0;x\x07': '\x9b' } }],
  ])('whose key documents hold %s can be told about', async (_what, document) => {
    forgeCache((config) => ({
      ...config,
      slipway: { version: 1, steps: config.slipway.steps.map((step) => ({ ...step, document })) },
    }))
    expect((await importing()).result).toMatchObject({ exitCode: 0 })
    file('a', 'something else\n')
    const { result } = await build('--explain')
    expect(result).toMatchObject({ exitCode: 0 })
    expect((await play(['why'])).result).toMatchObject({ exitCode: 0 })
    expect((await play(['builder', 'du', '--verbose'])).result).toMatchObject({ exitCode: 0 })
  })
})

describe('a context on standard input', () => {
  const DOCKERFILE = forge({ name: 'Dockerfile' }, 'FROM scratch\nCOPY . /all/\n')
  const send = (stdin: Buffer, ...args: string[]): Promise<Examined> =>
    play(['--debug', 'build', '--progress=plain', '-t', 'hostile', ...args, '-'], { stdin })

  test.each([
    ['a name that climbs out', forge({ name: '../../pwned' }, 'x')],
    ['a hard link to the host', forge({ name: 'h', flag: '1', link: path.join(canary, 'victim') })],
    ['a hard link that climbs out', forge({ name: 'h', flag: '1', link: '../../../victim' })],
    ['a checksum that is wrong', forge({ name: 'x', checksum: 1 })],
  ])('with %s is refused', async (_what, entry) => {
    const { code, result } = await send(archive(DOCKERFILE, entry))
    expect(result.exitCode).toBe(1)
    expect(code).toMatch(/^(TAR|LAYER|CONTEXT|DOCKERFILE)_/)
  })

  test.each([
    [
      'a file below a link to the host',
      [forge({ name: 'way', flag: '2', link: canary }), forge({ name: 'way/pwned' }, 'x')],
    ],
    ['an absolute name', [forge({ name: `${canary}/pwned` }, 'x')]],
    ['a device', [forge({ name: 'disk', flag: '4' })]],
  ])('with %s leaves the host alone', async (_what, entries) => {
    await send(archive(DOCKERFILE, ...entries))
    expect(readdirSync(canary)).toEqual(['victim'])
  })

  test('whose Dockerfile is a link of the host shows nothing of it', async () => {
    const link = forge({ name: 'Dockerfile', flag: '2', link: path.join(canary, 'victim') })
    expect((await send(archive(link))).result.exitCode).toBe(1)
  })

  test('that is a bomb takes little memory, whatever is made of it', async () => {
    const folder = mkdtempSync(path.join(work, 'bomb-'))
    writeFileSync(path.join(folder, 'Dockerfile'), 'FROM scratch\nCOPY . /all/\n')
    execFileSync('truncate', ['--size', '600M', path.join(folder, 'zeros')])
    const { result } = await send(execFileSync('tar', ['-czC', folder, '.']))
    rmSync(folder, { recursive: true })
    expect(result.timedOut).toBe(false)
    expect(result.peakMemory).toBeLessThan(300 << 20)
  })

  test('that is cut off, or nothing, is refused', async () => {
    const whole = gzipSync(archive(DOCKERFILE, forge({ name: 'f' }, Buffer.alloc(1 << 20, 'abc'))))
    for (const bytes of [whole.subarray(0, whole.length >> 1), Buffer.alloc(0), Buffer.from([0x1f, 0x8b, 8])]) {
      const { code } = await send(bytes)
      expect(code).toBeDefined()
    }
  })

  test('that is a Dockerfile without an end is refused', async () => {
    expect((await send(Buffer.alloc(20 << 20, 'FROM scratch\n'))).result.exitCode).toBe(1)
  })
})

describe('a comment for slipway', () => {
  const head = 'FROM scratch\n'

  test.each([
    ['an unknown key', '# slipway: __proto__=x\nLABEL a=b\n'],
    ['a key of every object', '# slipway: constructor=x\nLABEL a=b\n'],
    ['no value', '# slipway: reset\nLABEL a=b\n'],
    ['nothing to reset', '# slipway: reset=toString\nLABEL a=b\n'],
    ['controls', '# slipway: \x1b[2J\u202e=\x1b]0;x\x07\nLABEL a=b\n'],
    ['a mount that is none', '# slipway: mount=type=__proto__,target=/x\nLABEL a=b\nRUN x\n'],
    ['a mount of the host', '# slipway: mount=type=bind,source=/etc,from=/,target=/x\nLABEL a=b\nRUN x\n'],
    ['a mount out of the context', '# slipway: mount=type=bind,source=../../canary,target=/x\nLABEL a=b\nRUN x\n'],
    ['100,000 mounts', `${'# slipway: mount=type=tmpfs,target=/x\n'.repeat(100_000)}LABEL a=b\nRUN x\n`],
    ['1 MiB', `# slipway: ${'x'.repeat(1 << 20)}=y\nLABEL a=b\n`],
  ])('with %s ends with a line', async (_what, text) => {
    file('Dockerfile', head + text)
    const { result, code } = await build()
    expect(result.exitCode).toBe(1)
    expect(code).toBeDefined()
    expect(result.stderr).toMatch(/Dockerfile:\d+/)
  })
})

describe('a record of a build that somebody has edited', () => {
  const edit = (sql: string, ...values: string[]): void => {
    using db = new DatabaseSync(path.join(arena.root(), 'slipway.db')) as DatabaseSync & Disposable
    db.prepare(sql).run(...values)
  }
  const record = (change: object): string => {
    using db = new DatabaseSync(path.join(arena.root(), 'slipway.db')) as DatabaseSync & Disposable
    const { record: text } = db.prepare('SELECT record FROM build_records').get() as { record: string }
    return JSON.stringify({ ...JSON.parse(text), ...change })
  }

  beforeEach(async () => {
    file('a', 'a')
    file('Dockerfile', 'FROM scratch\nCOPY a /\n')
    expect((await build()).result).toMatchObject({ exitCode: 0 })
  })

  test.each<[string, () => string]>([
    ['no JSON', () => '{'],
    ['null', () => 'null'],
    ['a list', () => '[]'],
    ['steps that are a number', () => record({ steps: 5 })],
    ['steps of nothing', () => record({ steps: [null] })],
    ['a status that is none', () => record({ status: '__proto__' })],
    ['texts for lists', () => record({ tags: 'x', platforms: 'y', buildArgs: 3 })],
    ['a tag that is none', () => record({ tags: ['\x1b[2J'] })],
    ['controls', () => record({ name: '\x1b[2J', context: '\x1b[31m', tags: [] })],
  ])('with %s stops neither lists nor builds', async (_what, text) => {
    edit('UPDATE build_records SET record = ?', text())
    for (const args of [['ls'], ['ls', '--format', 'json'], ['inspect'], ['logs'], ['inspect', '--format', 'json']])
      await play(['--debug', 'builds', ...args])
    await play(['--debug', 'diff', 'step:last'])
    expect((await play(['builds', 'ls'])).result).toMatchObject({ exitCode: 0 })
    expect((await build()).result).toMatchObject({ exitCode: 0 })
    expect((await play(['builds', 'rm', '--all'])).result).toMatchObject({ exitCode: 0 })
    expect((await play(['builds', 'ls', '-q'])).result.stdout.toString()).toBe('')
  })

  test.each<[string, object]>([
    ['layers that are paths', { diffIds: ['../../../etc/passwd'] }],
    ['layers of nobody', { diffIds: [DIGEST] }],
    ['inputs that go in circles', { inputs: [1, 2, 3], config: undefined }],
  ])('whose steps have %s gives nothing of the host', async (_what, change) => {
    const { steps } = JSON.parse(record({}))
    edit(
      'UPDATE build_records SET record = ?',
      record({ steps: steps.map((step: object) => ({ ...step, ...change })) }),
    )
    for (const args of [
      ['diff', 'step:last'],
      ['cp', 'step:last:/a', path.join(work, 'copied')],
      ['builds', 'inspect'],
    ])
      await play(['--debug', ...args])
  })

  test.each<[string, (log: string) => void]>([
    ['no log', (log) => rmSync(log)],
    ['a log that is none', (log) => writeFileSync(log, 'x'.repeat(1000))],
    ['half a log', (log) => writeFileSync(log, readFileSync(log).subarray(0, 40))],
    ['the log of something else', (log) => cpSync(path.join(arena.root(), 'slipway.db'), log)],
    ['a pipe for a log', (log) => execFileSync('sh', ['-c', 'rm "$1"; mkfifo "$1"', '-', log])],
  ])('with %s says so', async (_what, change) => {
    const builds = path.join(arena.root(), 'builds')
    const [id] = readdirSync(builds)
    change(path.join(builds, id!, 'log.zst'))
    await play(['--debug', 'builds', 'logs'])
    expect((await build()).result).toMatchObject({ exitCode: 0 })
  })
})
