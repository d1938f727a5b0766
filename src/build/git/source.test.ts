import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { hearingJob } from '../../container/fixture.suite.ts'
import { type ByteString, toByteString } from '../../core/index.ts'
import { tryLock } from '../../host/index.ts'
import { temporaryStore } from '../../store/fixture.suite.ts'
import type { FileSource } from '../files/source.ts'
import { errorOf } from '../fixture.suite.ts'
import { BuildSession, type Lent } from '../session.ts'
import { COMMIT_TIME, gitServer, noGit } from './fixture.suite.ts'
import { keptRepositories, removeKeptRepository } from './kept.ts'
import { git } from './program.ts'
import { type GitOptions, openGitSource } from './source.ts'
import { parseGitUrl } from './url.ts'

/** Opens a source in a store of its own, or the given one. */
async function open(
  url: string,
  options: GitOptions & { store?: ReturnType<typeof temporaryStore>; session?: Lent } = {},
) {
  const { store = temporaryStore(), session = {}, ...rest } = options
  await using build = new BuildSession(store, store.testLease, session)
  const { commit, files } = await openGitSource(build, parseGitUrl(url)!, rest, hearingJob())
  return { commit, files, listed: await list(files) }
}

async function list(files: FileSource): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  const todo = [toByteString('')]
  for (let at = todo.shift(); at !== undefined; at = todo.shift()) {
    for (const entry of files.list(at as ByteString)) {
      const mode = entry.mode.toString(8)
      if (entry.kind === 'directory') todo.push(entry.path)
      found[entry.path] = entry.kind === 'symlink' ? `-> ${entry.link}` : `${entry.kind} ${mode}`
    }
  }
  return found
}

const files = (listed: Record<string, string>): string[] =>
  Object.keys(listed).filter((name) => !name.endsWith('.gitmodules'))

describe.skipIf(noGit)('files of a repository (needs git)', () => {
  test('are those of the default branch, owned by root, with the time of the commit', async () => {
    const server = await gitServer()
    const commit = server.tree('r').commit({ f: 'text', 'd/run': '#!/bin/sh\n', link: ['../../etc/passwd'] })
    const found = await open(`${server.url}/r/.git`)
    expect(found.commit).toBe(commit)
    expect(found.listed).toEqual({
      f: 'file 644',
      d: 'directory 755',
      'd/run': 'file 755',
      link: '-> ../../etc/passwd',
    })
    expect(found.files.stat(toByteString('f'))).toMatchObject({ uid: 0, gid: 0, mtime: { seconds: COMMIT_TIME } })
    const now = await open(`${server.url}/r/.git?mtime=checkout`)
    expect(now.files.stat(toByteString('f'))!.mtime.seconds).toBeGreaterThan(COMMIT_TIME)
  })

  test('are those of a branch, a tag, a full ref name or a commit', async () => {
    const server = await gitServer()
    const tree = server.tree('r')
    const one = tree.commit({ one: '' })
    tree.git('tag', 'v1')
    tree.git('tag', '-a', '-m', 'two', 'v2')
    tree.git('checkout', '-q', '-b', 'feature/x')
    const two = tree.commit({ two: '' })
    tree.git('checkout', '-q', 'main')
    tree.git('tag', 'feature/x', one)
    const store = temporaryStore()
    for (const [ref, commit] of [
      ['#v1', one],
      ['#v2', one],
      ['?tag=v2', one],
      ['#refs/tags/v2', one],
      // as with git checkout, the branch
      ['#feature/x', two],
      ['?branch=feature/x', two],
      ['#refs/tags/feature/x', one],
      [`#${one}`, one],
      ['#HEAD', one],
    ]) {
      const found = await open(`${server.url}/r/.git${ref}`, { store })
      expect([ref, found.commit, files(found.listed)]).toEqual([ref, commit, commit === one ? ['one'] : ['one', 'two']])
    }
  })

  test('are found again when the branch has moved on, and not fetched when it has not', async () => {
    const server = await gitServer()
    const tree = server.tree('r')
    tree.commit({ f: '1' })
    const store = temporaryStore()
    await open(`${server.url}/r/.git`, { store })
    server.asked.length = 0
    await open(`${server.url}/r/.git`, { store })
    const lookUp = server.asked.length
    const next = tree.commit({ g: '2' })
    expect(await open(`${server.url}/r/.git`, { store })).toMatchObject({ commit: next, listed: { g: 'file 644' } })
    expect(server.asked.length - lookUp).toBeGreaterThan(lookUp)
    server.asked.length = 0
    await open(`${server.url}/r/.git#${next}`, { store })
    expect(server.asked).toEqual([])
  })

  test('are all of the commit, whatever it says of archives', async () => {
    const server = await gitServer()
    const attributes = 'f export-ignore\n*.txt export-subst filter=lfs\n'
    server.tree('r').commit({ f: '', 'a.txt': '$Format:%H$', '.gitattributes': attributes })
    const found = await open(`${server.url}/r/.git`)
    expect(Object.keys(found.listed)).toEqual(['.gitattributes', 'a.txt', 'f'])
    expect(found.files.stat(toByteString('a.txt'))!.size).toBe('$Format:%H$'.length)
  })

  test('of one folder have it as their root', async () => {
    const server = await gitServer()
    server.tree('r').commit({ 'a/b/c': '', 'a/d': '', other: '', link: ['a'] })
    expect(files((await open(`${server.url}/r/.git#:a/b`)).listed)).toEqual(['c'])
    expect(files((await open(`${server.url}/r/.git?subdir=/../a/`)).listed)).toEqual(['b', 'd', 'b/c'])
    for (const subdir of ['none', 'other', 'link', 'link/b', '../../..//etc']) {
      expect(await errorOf(open(`${server.url}/r/.git#main:${subdir}`))).toContain('no such folder in commit')
    }
  })

  test('of a repository with SHA-256 names', async () => {
    const server = await gitServer()
    const commit = server.tree('r', 'sha256').commit({ f: '' })
    expect(commit).toHaveLength(64)
    expect(await open(`${server.url}/r/.git#main`)).toMatchObject({ commit, listed: { f: 'file 644' } })
  })

  test('come from a server that knows nothing of git, too', async () => {
    let root = ''
    const server = await gitServer((request, response) => {
      const file = path.join(root, new URL(request.url!, 'http://x').pathname)
      if (existsSync(file)) response.end(readFileSync(file))
      else response.writeHead(404).end()
      return true
    })
    root = server.folder
    const tree = server.tree('r')
    const first = tree.commit({ f: '1' })
    tree.commit({ f: '2' })
    tree.git('update-server-info')
    expect(files((await open(`${server.url}/r/.git#main`)).listed)).toEqual(['f'])
    expect((await open(`${server.url}/r/.git#${first}`)).commit).toBe(first)
  })

  test('report the bytes that come', async () => {
    const server = await gitServer()
    server.tree('r').commit({ f: randomBytes(1 << 20).toString('hex') })
    const job = hearingJob()
    const store = temporaryStore()
    await using session = new BuildSession(store, store.testLease)
    await openGitSource(session, parseGitUrl(`${server.url}/r/.git`)!, { task: 'add' }, job)
    expect(job.events).toContainEqual(expect.objectContaining({ type: 'bytes', task: 'add' }))
  })
})

describe.skipIf(noGit)('submodules (needs git)', () => {
  test('are fetched into their places, also inside of one another', async () => {
    const server = await gitServer()
    const inner = server.tree('inner').commit({ deep: '' })
    const middle = server.tree('middle')
    middle.commit({ '.gitmodules': '[submodule "i"]\npath = in\nurl = ../../inner/.git\n', m: '' })
    middle.git('update-index', '--add', '--cacheinfo', `160000,${inner},in`)
    middle.git('commit', '-q', '-m', 'link')
    const linked = middle.git('rev-parse', 'HEAD')
    const outer = server.tree('outer')
    outer.commit({ '.gitmodules': `[submodule "m"]\npath = lib/m\nurl = ${server.url}/middle/.git\n`, o: '' })
    outer.git('update-index', '--add', '--cacheinfo', `160000,${linked},lib/m`)
    outer.git('commit', '-q', '-m', 'link')
    const url = `${server.url}/outer/.git`
    expect(files((await open(url)).listed)).toEqual(['lib', 'o', 'lib/m', 'lib/m/in', 'lib/m/m', 'lib/m/in/deep'])
    expect(files((await open(`${url}#:lib`)).listed)).toEqual(['m', 'm/in', 'm/m', 'm/in/deep'])
    expect(files((await open(`${url}?submodules=0`)).listed)).toEqual(['lib', 'o', 'lib/m'])
  })

  test.each([
    'ext::sh -c "touch /tmp/pwned"',
    'file:///etc',
    '/etc',
    '-u./x',
    '--upload-pack=touch',
    'ssh://-oProxyCommand=touch/x',
    'http://a b/x',
  ])('with the address %j are refused', async (address) => {
    const server = await gitServer()
    const tree = server.tree('r')
    const commit = tree.commit({ '.gitmodules': `[submodule "s"]\npath = s\nurl = ${JSON.stringify(address)}\n` })
    tree.git('update-index', '--add', '--cacheinfo', `160000,${commit},s`)
    tree.git('commit', '-q', '-m', 'link')
    await expect(open(`${server.url}/r/.git`)).rejects.toMatchObject({ code: 'GIT_REFUSED' })
  })

  test('without an address, or not to be updated, stay empty folders', async () => {
    const server = await gitServer()
    const tree = server.tree('r')
    const commit = tree.commit({ '.gitmodules': '[submodule "s"]\npath = s\nurl = ../../x\nupdate = none\n' })
    for (const name of ['s', 't']) tree.git('update-index', '--add', '--cacheinfo', `160000,${commit},${name}`)
    tree.git('commit', '-q', '-m', 'link')
    expect(files((await open(`${server.url}/r/.git`)).listed)).toEqual(['s', 't'])
  })

  test('that contain one another come to an end', async () => {
    const server = await gitServer()
    const tree = server.tree('r')
    const modules = '[submodule "s"]\npath = s\nurl = ../../r/.git\n'
    let commit = tree.commit({ '.gitmodules': modules })
    for (let depth = 0; depth < 10; depth++) {
      tree.git('update-index', '--add', '--cacheinfo', `160000,${commit},s`)
      tree.git('commit', '-q', '-m', 'link')
      commit = tree.git('rev-parse', 'HEAD')
    }
    expect(await errorOf(open(`${server.url}/r/.git`))).toContain('submodules more than 8 deep')
  })
})

describe.skipIf(noGit)('.git (needs git)', () => {
  test('is kept when asked for, and a repository that works', async () => {
    const server = await gitServer()
    const tree = server.tree('r')
    tree.commit({ f: '1' }, 'first')
    const commit = tree.commit({ f: '2', d: '' }, 'second')
    const url = `${server.url.replace('//', '//me:secret@')}/r/.git`
    expect(Object.keys((await open(url)).listed)).toEqual(['d', 'f'])
    const store = temporaryStore()
    await using session = new BuildSession(store, store.testLease)
    const { files: source } = await openGitSource(session, parseGitUrl(url)!, { keepGitDir: true }, hearingJob())
    const folder = mkdtempSync(path.join(tmpdir(), 'slipway-kept-'))
    try {
      await writeAll(source, folder)
      const git = (...args: string[]): string =>
        execFileSync('git', ['-c', 'safe.directory=*', ...args], { cwd: folder })
          .toString()
          .trim()
      expect(git('status', '--porcelain')).toBe('')
      expect(git('log', '--format=%H %s')).toBe(`${commit} second`)
      expect(git('rev-parse', 'refs/heads/main')).toBe(commit)
      expect(git('config', 'remote.origin.url')).toBe(`${server.url}/r/.git`)
      expect(readFileSync(path.join(folder, '.git/config'), 'utf8')).not.toContain('secret')
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

async function writeAll(source: FileSource, folder: string): Promise<void> {
  const todo = [toByteString('')]
  for (let at = todo.shift(); at !== undefined; at = todo.shift()) {
    for (const entry of source.list(at as ByteString)) {
      const target = path.join(folder, entry.path)
      const body = source.body(entry)
      if (entry.kind === 'directory') {
        mkdirSync(target)
        todo.push(entry.path)
      } else if ('tree' in body) writeFileSync(target, body.tree.readFile(body.path, 1 << 24)!)
    }
  }
}

describe.skipIf(noGit)('a repository that cannot be used (needs git)', () => {
  test('has no such ref', async () => {
    const server = await gitServer()
    server.tree('r').commit({ f: '' })
    for (const ref of ['nope', 'abcdef1', '*', '--upload-pack=touch', '-x']) {
      expect(await errorOf(open(`${server.url}/r/.git#${ref}`))).toBe(
        `: repository does not contain ref ${ref}: ${server.url}/r/.git`,
      )
    }
    expect(await errorOf(open(`${server.url}/r/.git#${'1'.repeat(40)}`))).toMatch(/^: git fetch: .*not our ref/)
  })

  test('has another commit than the checksum says', async () => {
    const server = await gitServer()
    const commit = server.tree('r').commit({ f: '' })
    expect((await open(`${server.url}/r/.git?checksum=${commit.slice(0, 7)}`)).commit).toBe(commit)
    expect((await open(`${server.url}/r/.git?checksum=${commit}&fetch-by-commit=1#gone`)).commit).toBe(commit)
    expect(await errorOf(open(`${server.url}/r/.git?checksum=deadbeef`))).toBe(
      `: expected checksum to match deadbeef, got ${commit}`,
    )
    expect(await errorOf(open(`${server.url}/r/.git?checksum=nothex`))).toContain('expected hex commit hash')
  })

  test('is not there', async () => {
    const server = await gitServer()
    expect(await errorOf(open(`${server.url}/none/.git`))).toContain('git ls-remote')
    expect(await errorOf(open('http://169.254.169.254/x.git'))).toContain('link-local')
    expect(await errorOf(open('git://169.254.169.254/x.git'))).toContain('link-local')
    expect(await errorOf(open('git@169.254.169.254:x.git'))).toContain('link-local')
  })

  test('holds a .git of its own', async () => {
    const server = await gitServer()
    const tree = server.tree('r')
    tree.commit({ f: '[core]\nfsmonitor = touch /tmp/pwned\n' })
    const blob = tree.git('rev-parse', 'HEAD:f')
    const inner = execFileSync('git', ['mktree'], { cwd: tree.folder, input: `100644 blob ${blob}\tconfig\n` })
    const outer = execFileSync('git', ['mktree'], {
      cwd: tree.folder,
      input: `040000 tree ${inner.toString().trim()}\t.GIT\n`,
    })
    const commit = tree.git('commit-tree', '-m', 'bad', outer.toString().trim())
    tree.git('update-ref', 'refs/heads/main', commit)
    expect(await errorOf(open(`${server.url}/r/.git`))).toContain('invalid path ".GIT"')
  })

  test('never answers', async () => {
    const server = await gitServer((request) => request.url!.endsWith('/git-upload-pack'))
    server.tree('r').commit({ f: '' })
    const stop = new AbortController()
    const store = temporaryStore()
    await using session = new BuildSession(store, store.testLease)
    const opening = openGitSource(session, parseGitUrl(`${server.url}/r/.git`)!, {}, hearingJob(stop.signal))
    setTimeout(() => stop.abort(), 300)
    await expect(opening).rejects.toMatchObject({ code: 'CANCELED' })
    const silent = git(['ls-remote', '--', `${server.url}/r/.git`], { stall: 300 }, hearingJob())
    await expect(silent).rejects.toMatchObject({ code: 'GIT_FAILED', message: expect.stringContaining('nothing came') })
  })
})

describe.skipIf(noGit)('the copy in the store (needs git)', () => {
  test('serves several at once, and is made whole again after one was killed', async () => {
    const server = await gitServer()
    const tree = server.tree('r')
    const commits = ['1', '2', '3'].map((text) => tree.commit({ f: text }))
    const store = temporaryStore()
    const opened = await Promise.all(commits.map((commit) => open(`${server.url}/r/.git#${commit}`, { store })))
    expect(opened.map(({ commit }) => commit)).toEqual(commits)
    const folder = path.join(store.layout.root, 'git')
    const [name] = readdirSync(folder).filter((entry) => /^[0-9a-f]{32}$/.test(entry))
    const leftover = path.join(folder, name!, 'objects/pack/tmp_pack_x')
    writeFileSync(leftover, 'half')
    for (const lock of ['shallow.lock', 'refs/remote/fetched.lock']) writeFileSync(path.join(folder, name!, lock), '')
    mkdirSync(path.join(folder, `${name}.new`))
    const next = tree.commit({ f: '4' })
    expect((await open(`${server.url}/r/.git`, { store })).commit).toBe(next)
    expect(existsSync(leftover)).toBe(false)
  })

  test('is listed while it is kept, and can be removed', async () => {
    const server = await gitServer()
    const commit = server.tree('r').commit({ f: '' })
    const store = temporaryStore()
    expect(keptRepositories(store.layout)).toEqual([])
    await open(`${server.url.replace('//', '//me:s3cret@')}/r/.git`, { store })
    const [kept, ...more] = keptRepositories(store.layout)
    expect(more).toEqual([])
    expect(kept).toMatchObject({ remote: `${server.url}/r/.git`, inUse: false })
    expect(kept!.bytes).toBeGreaterThan(0)
    expect(kept!.usedAt).toBeGreaterThanOrEqual(kept!.createdAt)
    const held = tryLock(path.join(store.layout.root, 'git', `${kept!.key}.lock`))!
    expect(keptRepositories(store.layout)).toMatchObject([{ inUse: true }])
    expect(removeKeptRepository(store.layout, kept!.key)).toBe(0)
    held.release()
    expect(removeKeptRepository(store.layout, kept!.key)).toBeGreaterThan(0)
    expect(keptRepositories(store.layout)).toEqual([])
    expect((await open(`${server.url}/r/.git`, { store })).commit).toBe(commit)
  })

  test('holds no password', async () => {
    const server = await gitServer()
    server.tree('r').commit({ f: '' })
    const store = temporaryStore()
    await open(`${server.url.replace('//', '//me:s3cret@')}/r/.git`, { store })
    // grep ends with 1 when it finds nothing
    const found = spawnSync('grep', ['-rlE', 's3cret|bWU6czNjcmV0', store.layout.root], { encoding: 'utf8' })
    expect([found.status, found.stdout]).toEqual([1, ''])
  })
})

describe.skipIf(noGit)('credentials (needs git)', () => {
  const basic = (pair: string): string => `basic ${Buffer.from(pair).toString('base64')}`
  const secrets = (given: Record<string, string>): Lent => ({
    secrets: Object.fromEntries(Object.entries(given).map(([id, value]) => [id, { value }])),
  })

  async function guarded(expected: string) {
    const server = await gitServer((request, response) => {
      if (request.headers.authorization === expected) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      return true
    })
    server.tree('r').commit({ f: '' })
    return server
  }

  test('come from the secret GIT_AUTH_TOKEN, or GIT_AUTH_HEADER, for this host or for all', async () => {
    const token = await guarded(basic('x-access-token:t0ken'))
    const host = new URL(token.url).host
    for (const id of ['GIT_AUTH_TOKEN', `GIT_AUTH_TOKEN.${host}`]) {
      expect(files((await open(`${token.url}/r/.git`, { session: secrets({ [id]: 't0ken\n' }) })).listed)).toEqual([
        'f',
      ])
    }
    const header = await guarded('Bearer abc')
    const session = secrets({ GIT_AUTH_HEADER: 'Bearer abc', GIT_AUTH_TOKEN: 'other' })
    expect(files((await open(`${header.url}/r/.git`, { session })).listed)).toEqual(['f'])
  })

  test('come from the URL, and are not told', async () => {
    const server = await guarded(basic('me:p@ss'))
    const url = server.url.replace('//', '//me:p%40ss@')
    expect(files((await open(`${url}/r/.git`)).listed)).toEqual(['f'])
    const refused = await errorOf(open(`${server.url.replace('//', '//me:wrong@')}/r/.git`))
    expect(refused).not.toContain('wrong')
    await expect(open(`${server.url}/r/.git`)).rejects.toMatchObject({
      code: 'GIT_FAILED',
      hint: expect.stringContaining('GIT_AUTH_TOKEN'),
    })
  })

  test('stay with their host when it sends elsewhere', async () => {
    const other = await gitServer()
    other.tree('r').commit({ f: '' })
    const first = await gitServer((request, response) => {
      response.writeHead(302, { location: `${other.url}${request.url}` }).end()
      return true
    })
    const session = secrets({ GIT_AUTH_TOKEN: 't0ken' })
    expect(files((await open(`${first.url}/r/.git`, { session })).listed)).toEqual(['f'])
    expect(first.asked.every((line) => line.includes('basic'))).toBe(true)
    expect(other.asked.length).toBeGreaterThan(0)
    expect(other.asked.filter((line) => line.includes('basic'))).toEqual([])
  })

  test('are not for the hosts of submodules', async () => {
    const other = await gitServer()
    const commit = other.tree('s').commit({ s: '' })
    const server = await gitServer()
    const tree = server.tree('r')
    tree.commit({ '.gitmodules': `[submodule "s"]\npath = s\nurl = ${other.url}/s/.git\n` })
    tree.git('update-index', '--add', '--cacheinfo', `160000,${commit},s`)
    tree.git('commit', '-q', '-m', 'link')
    const found = await open(`${server.url}/r/.git`, { session: secrets({ GIT_AUTH_TOKEN: 't0ken' }) })
    expect(files(found.listed)).toEqual(['s', 's/s'])
    expect(other.asked.filter((line) => line.includes('basic'))).toEqual([])
  })
})
