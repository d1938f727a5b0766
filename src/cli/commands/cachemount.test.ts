import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { silentJob } from '../../core/index.ts'
import { isRoot, temporaryFolder } from '../../host/child.suite.ts'
import { tarOf } from '../../store/fixture.suite.ts'
import { openStore, type Store } from '../../store/index.ts'
import { type CommandLine, openCommandLine } from '../fixture.suite.ts'

let slipway: CommandLine
let folder: string
const text = (file: string): string => readFileSync(path.join(folder, file), 'utf8')

beforeEach(async () => {
  slipway = openCommandLine()
  folder = temporaryFolder()
  const tar = tarOf({ 'd/': { directory: true }, 'd/f': 'in the cache', top: 'x' })
  expect(await slipway.with(tar, 'cachemount', 'import', '/root/.npm')).toEqual({
    code: 0,
    out: '/root/.npm\n',
    err: '',
  })
})

/** Works on the store beside the command line, as a running build does. */
async function beside(work: (store: Store) => Promise<void>): Promise<void> {
  using store = openStore(slipway.root)
  await work(store)
}

const use = (store: Store, id: string, sharing: 'shared' | 'locked' = 'shared') =>
  store.cacheMounts.use(
    { namespace: '', id, origin: null, mode: null, uid: null, gid: null },
    sharing,
    async () => {},
    silentJob,
  )

describe.skipIf(!isRoot)('cache mounts', () => {
  test('are a table', async () => {
    const { out } = await slipway('cachemount', 'ls')
    expect(out).toMatch(
      /^ID +KEY +SIZE +CREATED +LAST USED +USES +IN USE\n\/root\/\.npm +[0-9a-f]{12} +13B +.* ago +.* ago +\d+ +false\n$/,
    )
    expect((await slipway('cachemount', 'ls', '-q')).out).toBe('/root/.npm\n')
    expect((await slipway('cachemount', 'ls', '--format', '{{.ID}} {{.Files}}')).out).toBe('/root/.npm 3\n')
    expect((await slipway('cachemount', 'ls', '-q', '--filter', 'id=other')).out).toBe('')
    expect((await slipway('cachemount', 'ls', '-q', '--filter', 'until=1h')).out).toBe('')
    expect((await slipway('cachemount', 'ls', '--filter', 'foo=bar')).err).toContain("invalid filter 'foo'")
    expect((await slipway('cachemount', 'du')).out).toMatch(/^ID +SIZE +FILES\n\/root\/\.npm +13B +3\nTotal:\t13B\n$/)
  })

  test('are inspected by id or key', async () => {
    const [found] = JSON.parse((await slipway('cachemount', 'inspect', '/root/.npm')).out)
    expect(found).toMatchObject({ ID: '/root/.npm', Namespace: '', Size: 13, Mode: null, InUse: false })
    expect((await slipway('cachemount', 'inspect', '-f', '{{.ID}}', found.Key.slice(0, 12))).out).toBe('/root/.npm\n')
    expect(await slipway('cachemount', 'inspect', 'none')).toMatchObject({ code: 1, out: '[]\n' })
  })

  test('are exported and imported, replacing what was there', async () => {
    await slipway('cachemount', 'export', '/root/.npm', '-o', path.join(folder, 'c.tar'))
    await slipway.with(tarOf({ other: '1' }), 'cachemount', 'import', '/root/.npm')
    expect((await slipway('cachemount', 'cp', '/root/.npm:/.', path.join(folder, 'o'))).err).toBe('')
    expect(readdirSync(path.join(folder, 'o'))).toEqual(['other'])
    await slipway('cachemount', 'import', '/root/.npm', path.join(folder, 'c.tar'))
    await slipway('cachemount', 'cp', '/root/.npm:/', path.join(folder, 'back'))
    expect([readdirSync(path.join(folder, 'back')).sort(), text('back/d/f')]).toEqual([['d', 'top'], 'in the cache'])
  })

  test('are removed, unless a build uses them', async () => {
    await beside(async (store) => {
      const used = await use(store, '/root/.npm')
      expect((await slipway('cachemount', 'rm', '/root/.npm')).err).toContain('is in use by a build')
      expect((await slipway('cachemount', 'prune', '-f')).out).toBe('Total reclaimed space: 0B\n')
      expect((await slipway('cachemount', 'ls', '-q', '--filter', 'inuse=true')).out).toBe('/root/.npm\n')
      used.release()
    })
    expect(await slipway('cachemount', 'rm', '/root/.npm', 'none')).toMatchObject({ code: 1, out: '/root/.npm\n' })
    expect((await slipway('cachemount', 'ls', '-q')).out).toBe('')
  })

  test('are pruned after a question', async () => {
    expect((await slipway.with('n\n', 'cachemount', 'prune')).out).toContain(
      'Are you sure you want to continue? [y/N] ',
    )
    expect((await slipway.with('y\n', 'cachemount', 'prune')).out).toMatch(
      /Deleted cache mounts:\n\/root\/\.npm\n\nTotal reclaimed space: 13B\n$/,
    )
  })

  test('of one id are told apart by their keys', async () => {
    await beside(async (store) => {
      const identity = { namespace: 'ci', id: '/root/.npm', origin: null, mode: null, uid: null, gid: null }
      ;(await store.cacheMounts.use(identity, 'shared', async () => {}, silentJob)).release()
    })
    const { code, err } = await slipway('cachemount', 'export', '/root/.npm')
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/several cache mounts have the id .*\n.*by its key: [0-9a-f]{12}, /),
    ])
    expect((await slipway('cachemount', 'rm', 'ci//root/.npm')).code).toBe(0)
    expect((await slipway('cachemount', 'ls', '-q')).out).toBe('/root/.npm\n')
  })
})

describe.skipIf(!isRoot)('cachemount cp', () => {
  const cp = (...args: string[]) => slipway('cachemount', 'cp', ...args)
  test('cp takes no tar stream', async () => {
    expect((await cp('/root/.npm:/', '-')).err).toContain('copying from or to a tar stream is not supported')
  })

  const at = (file: string): string => path.join(folder, file)

  test('copies out: files, folders, into folders, contents', async () => {
    for (const [from, to] of [
      ['top', 'a'],
      ['/d/f', '.'],
      ['d', 'new'],
      ['d', '.'],
      ['d/.', 'made'],
    ]) {
      mkdirSync(at('made'), { recursive: true })
      expect(await cp(`/root/.npm:${from}`, at(to!))).toEqual({ code: 0, out: '', err: '' })
    }
    expect(readdirSync(folder, { recursive: true }).map(String).sort()).toEqual([
      'a',
      'd',
      'd/f',
      'f',
      'made',
      'made/f',
      'new',
      'new/f',
    ])
  })

  test('copies in, and merges', async () => {
    mkdirSync(at('src/d'), { recursive: true })
    writeFileSync(at('src/d/g'), 'new')
    expect((await cp(`${at('src')}/.`, '/root/.npm:/')).err).toBe('')
    expect((await cp(at('src/d/g'), '/root/.npm:d/f')).err).toBe('')
    await cp('/root/.npm:d', at('out'))
    expect([text('out/f'), text('out/g')]).toEqual(['new', 'new'])
  })

  test('never leaves the cache, nor follows a link of it', async () => {
    await beside(async (store) => {
      const { folder: files, release } = await use(store, '/root/.npm')
      symlinkSync(folder, path.join(files, 'out'))
      symlinkSync('../../../../../../../etc', path.join(files, 'up'))
      symlinkSync('/etc/hostname', path.join(files, 'name'))
      release()
    })
    writeFileSync(at('x'), 'secret')
    expect((await cp(at('x'), '/root/.npm:out/y')).err).toContain('no such file or directory')
    expect((await cp('/root/.npm:up/hostname', at('h'))).err).toContain('no such file or directory')
    expect((await cp('-L', '/root/.npm:name', at('h'))).err).toContain('no such file or directory')
    expect((await cp('/root/.npm:name', at('link'))).err).toBe('')
    expect(readlinkSync(at('link'))).toBe('/etc/hostname')
    mkdirSync(at('src/out'), { recursive: true })
    writeFileSync(at('src/out/planted'), '')
    expect((await cp(`${at('src')}/.`, '/root/.npm:/')).err).toContain('cannot overwrite non-directory')
    expect(readdirSync(folder).sort()).toEqual(['link', 'src', 'x'])
  })

  test.each([
    [['/a', '/b'], 'must specify at least one cache mount that is there, as ID:PATH'],
    [['/root/.npm:a', '/root/.npm:b'], 'copying between cache mounts is not supported'],
    [['/root/.npm:none', '/tmp'], 'none: no such file or directory'],
    [['/nowhere/x', '/root/.npm:/'], '/nowhere/x: no such file or directory'],
    [['/root/.npm:top/', '/tmp'], 'top/: not a directory'],
    [['/root/.npm:top', '/tmp/nowhere/'], 'no such directory: /tmp/nowhere/'],
    [['/root/.npm:top', '/nowhere/x'], '/nowhere: no such file or directory'],
  ])('%j fails', async (args, message) => {
    const { code, err } = await cp(...args)
    expect([code, err]).toEqual([1, expect.stringContaining(message)])
  })

  test('waits for nobody: a cache in use is an error', async () => {
    await beside(async (store) => {
      const used = await use(store, '/root/.npm', 'locked')
      expect((await cp('/root/.npm:top', at('t'))).err).toContain('is in use by a build')
      used.release()
    })
  })
})
