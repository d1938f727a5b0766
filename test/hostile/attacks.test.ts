/** Attacks by what a build fetches, asks for, or shares with others while it runs. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { killGroup } from '../command.ts'
import { openArena } from './arena.ts'
import { listen, listenForGit } from './servers.ts'
import { listTree } from './views.ts'

const isRoot = process.getuid?.() === 0
const arena = openArena()
const { work, canary, context, secret, build, play, file } = arena

/** That what the canary holds is in no file of the store. */
function expectNoLeak(what: string = secret): void {
  const found = spawnSync('grep', ['-rlaF', what, arena.root()], { encoding: 'utf8' })
  expect(found.stdout).toBe('')
}

describe('a frontend of somebody else', () => {
  test.each([
    ['in the Dockerfile', '# syntax=registry.example/evil/frontend:1\n', []],
    ['as a directive of another comment form', '// syntax=registry.example/evil/frontend:1\n', []],
    ['by build argument', '', ['--build-arg', 'BUILDKIT_SYNTAX=registry.example/evil/frontend:1']],
  ])('%s is refused by its name, nothing is fetched', async (_what, head, args) => {
    file('Dockerfile', `${head}FROM scratch\nLABEL a=b\n`)
    const { result, code } = await build(...args)
    expect(result.exitCode).toBe(1)
    expect(code).not.toBe('INTERNAL')
    expect(result.stderr).toContain('registry.example/evil/frontend:1')
  })

  test('is not needed for what docker/dockerfile names', async () => {
    file('Dockerfile', '# syntax=docker/dockerfile:1.7-labs\nFROM scratch\nLABEL a=b\n')
    expect((await build()).result).toMatchObject({ exitCode: 0 })
  })
})

describe.skipIf(!isRoot)('a RUN (needs root)', () => {
  test.each([
    ['--security=insecure', /security\.insecure is not allowed|--allow/],
    ['--network=host', /network\.host is not allowed|--allow/],
  ])('with %s does not run unless the user allows it', async (flag, why) => {
    await play(['bootstrap', 'busybox'])
    file('Dockerfile', `FROM busybox\nRUN ${flag} echo it-has-run-$((40+2))\n`)
    const { result } = await build()
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toMatch(why)
    expect(result.stderr).not.toContain('it-has-run-42')
  })

  test('gets neither the environment of the user nor capabilities to inherit', async () => {
    await play(['bootstrap', 'busybox'])
    file(
      'Dockerfile',
      'FROM busybox\nENV COPIED=$USERS_TOKEN\nRUN env; grep -e CapInh -e NoNewPrivs /proc/self/status\n',
    )
    const env = { USERS_TOKEN: 'users-token-value', LD_PRELOAD: '', AWS_SECRET_ACCESS_KEY: 'users-token-value' }
    const { result } = await play(['build', '--progress=plain', '--no-cache', '-t', 'hostile', context], { env })
    expect(result.exitCode).toBe(0)
    expect(result.stderr).toMatch(/CapInh:\s*0000000000000000/)
    expect(result.stdout + result.stderr).not.toContain('users-token-value')
    expectNoLeak('users-token-value')
  })
})

describe('ADD of a URL', () => {
  test.each([
    ['http://169.254.169.254/latest/meta-data/'],
    ['http://2852039166/latest/meta-data/'],
    ['http://0xa9fea9fe/'],
    ['http://[::ffff:169.254.169.254]/'],
    ['http://[fe80::1]/'],
  ])('does not ask %s', async (url) => {
    file('Dockerfile', `FROM scratch\nADD ${url} /stolen\n`)
    const { result, code } = await build()
    expect(code).toBe('DOWNLOAD_FAILED')
    expect(result.stderr).toContain('link-local')
    expect(result.stderr).toMatch(/Dockerfile:2/)
  })

  test.each([
    ['the metadata service', 'http://169.254.169.254/latest/', /link-local/],
    ['the same in another form', 'http://[::ffff:a9fe:a9fe]/latest/', /link-local/],
    ['a file of the host', 'file:///etc/passwd', /file:/],
    ['itself, for ever', '/again', /redirect/],
  ])('follows no redirect to %s', async (_what, location, why) => {
    await using server = await listen((_request, response) => void response.writeHead(302, { location }).end())
    file('Dockerfile', `FROM scratch\nADD ${server.url}/start /stolen\n`)
    const { result, code } = await build()
    expect(code).toBe('DOWNLOAD_FAILED')
    expect(result.stderr).toMatch(why)
  })

  test.each([['/plain'], ['/%2e%2e%2f%2e%2e%2fpwned'], ['/..%5c..%5cpwned']])(
    'of %s takes no name out of the target folder from the server',
    async (place) => {
      await using server = await listen((_request, response) => {
        response.writeHead(200, { 'content-disposition': `attachment; filename="../../${canary}/pwned"` })
        response.end('content')
      })
      file('Dockerfile', `FROM scratch\nADD ${server.url}${place} /deep/er/\n`)
      const { result } = await build()
      if (result.exitCode !== 0) return
      const tree = await listTree(arena.root(), 'hostile')
      const files = [...tree].filter((name) => !['', 'deep', 'deep/er'].includes(name))
      expect(files).toHaveLength(1)
      expect(files[0]).toMatch(/^deep\/er\/[^/]+$/)
    },
  )

  test('gives up on an answer that ends early', async () => {
    await using server = await listen((_request, response) => {
      response.writeHead(200, { 'content-length': 1000 })
      response.write('only this')
      setTimeout(() => response.destroy(), 100)
    })
    file('Dockerfile', `FROM scratch\nADD ${server.url}/file /file\n`)
    expect((await build()).code).toBe('DOWNLOAD_FAILED')
  })
})

const hasGit = spawnSync('git', ['http-backend'], { stdio: 'ignore' }).error === undefined

const GIT = [
  '-c',
  'user.name=a',
  '-c',
  'user.email=a@example',
  '-c',
  'init.defaultBranch=main',
  '-c',
  'commit.gpgSign=false',
]

/** A repository `evil.git` below a new folder; `fill` gets its working tree. */
function makeRepository(fill: (folder: string) => void): string {
  const folder = mkdtempSync(path.join(work, 'git-'))
  const tree = path.join(folder, 'evil.git')
  const git = (...args: string[]): void => {
    execFileSync('git', [...GIT, ...args], { cwd: tree, stdio: 'ignore' })
  }
  mkdirSync(tree)
  git('init')
  writeFileSync(path.join(tree, 'good'), 'good\n')
  fill(tree)
  git('add', '--all')
  git('commit', '--message', 'all')
  return folder
}

describe.skipIf(!hasGit)('a git repository (needs git)', () => {
  test.each([
    ['a folder above the checkout', (): string => 'main:../../../../../../../../../../../../../tmp'],
    ['a folder behind a link', (): string => 'main:way'],
    ['a file behind a link', (): string => 'main:way/victim'],
    ['a folder behind links that climb', (): string => 'main:up/up'],
    ['a ref that is an option', (): string => `--upload-pack=touch ${canary}/pwned`],
    ['a ref that is a command', (): string => `main;touch ${canary}/pwned`],
    ['a ref that leads to a file', (): string => `../../../../${canary}/victim`],
  ])('gives nothing of the host by %s', async (_what, fragment) => {
    const repositories = makeRepository((tree) => {
      symlinkSync(canary, path.join(tree, 'way'))
      symlinkSync('../../../../../../../../..', path.join(tree, 'up'))
    })
    await using server = await listenForGit(repositories)
    file('Dockerfile', `FROM scratch\nADD ["${server.url}/evil.git#${fragment()}", "/got/"]\n`)
    const { result } = await build()
    if (result.exitCode === 0) expect([...(await listTree(arena.root(), 'hostile'))].join('\n')).not.toContain('victim')
    expectNoLeak()
    const asContext = await play(['--debug', 'build', '--progress=plain', `${server.url}/evil.git#${fragment()}`])
    expect(asContext.result.exitCode).not.toBe(0)
    expectNoLeak()
  })

  test.each([
    ['of this machine', (): string => `file://${canary}`],
    ['that is a command', (): string => `ext::sh -c touch% ${canary}/pwned`],
    ['that is an option', (): string => `--upload-pack=touch ${canary}/pwned`],
    ['that is a folder', (): string => canary],
  ])('cannot name a submodule %s', async (_what, url) => {
    const repositories = makeRepository((tree) => {
      const inner = execFileSync('git', [...GIT, 'rev-parse', '--git-dir'], { cwd: tree, encoding: 'utf8' }).trim()
      expect(inner).toBe('.git')
      writeFileSync(path.join(tree, '.gitmodules'), `[submodule "m"]\n\tpath = m\n\turl = "${url()}"\n`)
      const link = ['update-index', '--add', '--cacheinfo', `160000,${'1'.repeat(40)},m`]
      execFileSync('git', [...GIT, ...link], { cwd: tree })
    })
    await using server = await listenForGit(repositories)
    file('Dockerfile', `FROM scratch\nADD ${server.url}/evil.git#main /got/\n`)
    await build()
    expectNoLeak()
  })

  test('with links has them copied as links', async () => {
    const repositories = makeRepository((tree) => symlinkSync(path.join(canary, 'victim'), path.join(tree, 'way')))
    await using server = await listenForGit(repositories)
    file('Dockerfile', `FROM scratch\nADD ${server.url}/evil.git#main /got/\n`)
    const { result } = await build()
    expect(result.stderr).not.toContain('ERROR')
    expect(await listTree(arena.root(), 'hostile')).toContain('got/way')
    expectNoLeak()
  })
})

/** Exchanges `d0` with `l0`, `d1` with `l1` and so on as fast as it can, until it is killed. */
const SWAP = 'while (1) { for ($i = 0; $i < 40; $i++) { syscall(316, -100, "d$i", -100, "l$i", 2) } }'
const canSwap = process.arch === 'x64' && spawnSync('perl', ['-e', '1']).status === 0

describe.skipIf(!canSwap)('a context whose folders turn into links and back all the time (needs perl)', () => {
  test('is read within itself or not at all', async () => {
    for (let at = 0; at < 40; at++) {
      mkdirSync(path.join(context, `d${at}`))
      writeFileSync(path.join(context, `d${at}/victim`), 'innocent\n')
      symlinkSync(canary, path.join(context, `l${at}`))
    }
    file('Dockerfile', `FROM scratch\nCOPY . /all/\n${'COPY d0 d1 d2 d3 d4/victim /some/\n'.repeat(3)}`)
    const swapping = spawn('perl', ['-e', SWAP], { cwd: context, stdio: 'ignore', detached: true })
    try {
      for (let round = 0; round < 4; round++) await build('--no-cache')
    } finally {
      killGroup(swapping)
    }
    expectNoLeak()
  })
})

describe.skipIf(!isRoot)('two builds that share a cache mount (needs root)', () => {
  test('cannot make one another mount a folder of the host', async () => {
    await play(['bootstrap', 'busybox'])
    const swap = `while [ ! -e /c/stop ]; do rm -rf /c/sub; ln -s ${canary} /c/sub; rm -f /c/sub; mkdir -p /c/sub; done`
    const swapper = path.join(work, 'swapper')
    mkdirSync(swapper, { recursive: true })
    writeFileSync(
      path.join(swapper, 'Dockerfile'),
      `FROM busybox\nRUN --mount=type=cache,id=race,target=/c timeout 8 sh -c '${swap}'; true\n`,
    )
    const mount = '--mount=type=cache,id=race,source=sub,target=/m'
    const runs = Array.from({ length: 12 }, (_, at) => `RUN ${mount} cat /m/victim; touch /m/pwned; echo ${at}`)
    file('Dockerfile', ['FROM busybox', ...runs, ''].join('\n'))
    const swapping = play(['build', '--progress=plain', swapper])
    for (let round = 0; round < 3; round++) await build('--no-cache')
    expect((await swapping).result.timedOut).toBe(false)
    expectNoLeak()
  })
})
