/** Hostile builds and images of our own making, against the real command line. `run.ts` plays those of generators. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { archive, forge } from '../../src/layer/tar/forge.suite.ts'
import { type ArchivedLayer, ociArchive } from './archives.ts'
import { openArena } from './arena.ts'
import type { Examined } from './examine.ts'
import { listTree } from './views.ts'

const isRoot = process.getuid?.() === 0
const arena = openArena()
const { work, canary, context, play, build, file, secret: SECRET } = arena

describe('a build', () => {
  test('reads no Dockerfile through a link out of the context, unless the user names it', async () => {
    writeFileSync(path.join(work, 'elsewhere'), 'FROM scratch\nLABEL a=b\n')
    symlinkSync(path.join(work, 'elsewhere'), path.join(context, 'Dockerfile'))
    const refused = await build()
    expect(refused.code).toBe('DOCKERFILE_MISSING')
    expect(refused.result.stderr).toContain('Dockerfile is a symbolic link that leads out of the build context')
    expect(refused.result.stderr).toContain('name the file with -f')
    expect((await build('-f', path.join(context, 'Dockerfile'))).result.exitCode).toBe(0)
  })

  test('reads a Dockerfile through a link that stays inside', async () => {
    file('real', 'FROM scratch\nLABEL a=b\n')
    symlinkSync('real', path.join(context, 'Dockerfile'))
    expect((await build()).result).toMatchObject({ exitCode: 0 })
  })

  test.each(['.dockerignore', 'Dockerfile.dockerignore'])('reads no %s through a link out of it', async (name) => {
    file('Dockerfile', 'FROM scratch\nCOPY . /\n')
    symlinkSync(path.join(canary, 'victim'), path.join(context, name))
    const { code, result } = await build()
    expect(code).toBe('DOCKERFILE_MISSING')
    expect(result.stderr).toContain(`${name} is a symbolic link that leads out of the build context`)
  })

  test('nor one beside a Dockerfile in a folder of the context, by whatever way the context is named', async () => {
    mkdirSync(path.join(context, 'sub'))
    file('sub/Dockerfile', 'FROM scratch\nCOPY . /\n')
    symlinkSync(path.join(canary, 'victim'), path.join(context, 'sub/Dockerfile.dockerignore'))
    const other = path.join(work, 'other-name')
    symlinkSync(context, other)
    for (const way of [context, other]) {
      const { code, result } = await build('-f', path.join(way, 'sub/Dockerfile'))
      expect(code).toBe('DOCKERFILE_MISSING')
      expect(result.stderr).toContain('Dockerfile.dockerignore is a symbolic link that leads out of the build context')
    }
    rmSync(other)
  })

  test('waits for no pipe that is called Dockerfile, and copies none', async () => {
    execFileSync('mkfifo', [path.join(context, 'Dockerfile')])
    expect((await build()).code).toBe('DOCKERFILE_MISSING')
    writeFileSync(path.join(work, 'named'), 'FROM scratch\nCOPY Dockerfile /pipe\n')
    const { result } = await build('-f', path.join(work, 'named'))
    expect(result.timedOut).toBe(false)
  })

  test.each([
    ['COPY ../canary/victim /', /victim.*(not found|no such file)/i],
    ['COPY out/victim /', /(leads out|not found|no such file)/i],
    ['COPY --from=0 /out/victim /', /(not found|no such file)/i],
  ])('%s finds nothing', async (line, why) => {
    symlinkSync(canary, path.join(context, 'out'))
    const first = 'FROM scratch\nCOPY out /\n'
    file('Dockerfile', line.includes('--from') ? `${first}FROM scratch\n${line}\n` : `FROM scratch\n${line}\n`)
    const { result } = await build()
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toMatch(why)
    expect(result.stderr).toMatch(/Dockerfile:\d/)
  })

  test('copies a link as a link, never what lies outside', async () => {
    symlinkSync(path.join(canary, 'victim'), path.join(context, 'link'))
    file('Dockerfile', 'FROM scratch\nCOPY . /\n')
    expect((await build()).result.exitCode).toBe(0)
    expect(await listTree(arena.root(), 'hostile')).toContain('link')
    expect(() => execFileSync('grep', ['-rqF', SECRET, arena.root()])).toThrow()
  })

  test('writes through links of an image, inside of it', async () => {
    file('gift', 'gift')
    mkdirSync(path.join(context, 'links'))
    symlinkSync(canary, path.join(context, 'links/way'))
    file('Dockerfile', 'FROM scratch\nCOPY links /\nCOPY gift /way/\nWORKDIR /way/work\n')
    expect((await build()).result.exitCode).toBe(0)
    const tree = await listTree(arena.root(), 'hostile')
    expect([...tree]).toEqual(expect.arrayContaining([`${canary.slice(1)}/gift`, `${canary.slice(1)}/work`]))
  })

  test.each([
    ['a name that climbs out', forge({ name: '../../pwned' }, 'x')],
    ['a link to a file of the host', forge({ name: 'hard', flag: '1', link: path.join(canary, 'victim') })],
  ])('unpacks no archive with %s', async (_what, entry) => {
    file('evil.tar', archive(forge({ name: 'good' }, 'x'), entry))
    file('Dockerfile', 'FROM scratch\nADD evil.tar /\n')
    const { code, result } = await build()
    expect(code).toMatch(/^LAYER_/)
    expect(result.stderr).toMatch(/pwned|hard/)
  })

  test('stops variables that grow without end, and names the line', async () => {
    const doubling = Array.from({ length: 30 }, (_, at) => `ENV V${at + 1}=$V${at}$V${at}`)
    file('Dockerfile', ['FROM scratch', 'ENV V0=0123456789', ...doubling, ''].join('\n'))
    const { result } = await build()
    expect(result.exitCode).toBe(1)
    expect(result.stderr).toMatch(/Dockerfile:\d+/)
  })

  test.skipIf(!isRoot)('gives a secret to its step and to no file of the store (needs root)', async () => {
    await play(['bootstrap', 'busybox'])
    const mounts = '--mount=type=secret,id=s --mount=type=secret,id=s,env=TOKEN'
    file(
      'Dockerfile',
      `FROM busybox\nRUN ${mounts} test -n "$TOKEN" && test -s /run/secrets/s && cp /run/secrets/s /tmp/x && rm /tmp/x\n`,
    )
    const { result } = await build('--secret', `id=s,src=${path.join(canary, 'victim')}`)
    expect(result).toMatchObject({ exitCode: 0 })
    expect(() => execFileSync('grep', ['-rqaF', SECRET, arena.root()])).toThrow()
  })

  test.each([
    ['a secret that is not there', ['--secret', 'id=a,src=/none'], /none/],
    ['an agent that is not there', ['--ssh', 'default=/none'], /none/],
  ])('does not go on without %s', async (_what, args, why) => {
    file('Dockerfile', 'FROM scratch\nLABEL a=b\n')
    const { result } = await build(...args)
    expect(result.exitCode).toBeGreaterThan(0)
    expect(result.stderr).toMatch(why)
  })

  test('warns of a secret in a build argument, by its name and never its value', async () => {
    file('Dockerfile', 'FROM scratch\nARG API_TOKEN\nLABEL a=b\n')
    const { result } = await build('--build-arg', `API_TOKEN=${SECRET}`)
    expect(result.exitCode).toBe(0)
    expect(result.stderr).toContain('SecretsUsedInArgOrEnv')
    expect(result.stderr).toContain('(ARG "API_TOKEN")')
  })
})

const load = async (layers: readonly ArchivedLayer[], config?: object): Promise<Examined> => {
  const target = path.join(context, 'image.tar')
  writeFileSync(target, ociArchive(layers, config))
  return play(['load', '-i', target])
}
const one = archive(forge({ name: 'one' }, '1'))

describe('a loaded image', () => {
  test.each([
    ['a name that climbs out', forge({ name: '../../../../pwned' }, 'x'), /"\.\.\/\.\.\/\.\.\/\.\.\/pwned"/],
    ['a name that a terminal would obey', forge({ name: '../\x1b[2J\x1b]0;owned\x07' }, 'x'), /\\x1b|\\u001b|\\e/i],
    ['a hard link to the host', forge({ name: 'h', flag: '1', link: path.join(canary, 'victim') }), /"?h"?/],
    ['a whiteout of the folder above', forge({ name: 'd/.wh...' }), /\.wh\.\.\./],
    ['a checksum that is wrong', forge({ name: 'x', checksum: 1 }), /checksum/],
  ])('with %s is refused, and nothing of it stays', async (_what, entry, why) => {
    const { result, code } = await load([{ tar: archive(forge({ name: 'good' }, 'x'), entry) }])
    expect(result.exitCode).toBe(1)
    expect(code).toMatch(/^(LAYER|TAR)_/)
    expect(result.stderr).toMatch(why)
    expect((await play(['images', '-q'])).result.stdout.toString()).toBe('')
    expect((await play(['image', 'prune', '-f'])).result.exitCode).toBe(0)
    expect(readdirSync(path.join(arena.root(), 'blobs/sha256'))).toEqual([])
  })

  test('that writes through its own link writes inside', async () => {
    const tar = archive(
      forge({ name: 'way', flag: '2', link: canary }),
      forge({ name: 'way/pwned' }, 'x'),
      forge({ name: 'up', flag: '2', link: '../../../../../../../..' }),
      forge({ name: `up${canary}/pwned-too` }, 'x'),
    )
    const { result } = await load([{ tar }])
    expect(result.exitCode).toBe(0)
  })

  test.each([
    ['a media type of gzip', { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' }, /none.*says gzip/],
    ['bytes of gzip', { bytes: gzipSync(one) }, /gzip.*says none/],
  ])('whose layer has only %s is taken for what it is, with a warning', async (_what, change, warning) => {
    const { result } = await load([{ tar: one, ...change }])
    expect(result).toMatchObject({ exitCode: 0 })
    expect(result.stderr).toMatch(/^warning: layer sha256:.* media type/m)
    expect(result.stderr).toMatch(warning)
    expect(await listTree(arena.root(), 'hostile')).toContain('one')
  })

  test('that is a bomb is pointed at, in little memory', async () => {
    const tar = archive(forge({ name: 'zeros' }, Buffer.alloc(160 << 20)))
    const { result } = await load([
      { tar, bytes: gzipSync(tar), mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip' },
    ])
    expect(result.exitCode).toBe(0)
    expect(result.stderr).toMatch(/warning: .* times as large/)
    expect(result.peakMemory).toBeLessThan(256 << 20)
  })
})

describe.skipIf(!isRoot)('a container of a hostile image (needs root)', () => {
  test.each([
    ['a NUL in its environment', { Env: ['A=x\0B=y'] }, /invalid argument.*NUL byte in the environment variable "A=x/],
    ['a variable of 200 kB', { Env: [`A=${'x'.repeat(200_000)}`] }, /argument list too long.*200002 bytes/],
    ['arguments of 8 MB', { Cmd: ['/one', ...Array(80).fill('x'.repeat(100_000))] }, /argument list too long/],
    ['a NUL in its folder', { WorkingDir: '/a\0b' }, /NUL byte in the working directory/],
    ['a user that overflows', { User: '4294967296' }, /uids and gids must be in range 0-2147483647/],
    ['a user that is nobody', { User: 'nobody-here' }, /unable to find user nobody-here/],
  ])('with %s does not start, and says why', async (_what, config, why) => {
    expect((await load([{ tar: one }], { Cmd: ['/one'], ...config })).result.exitCode).toBe(0)
    const { result } = await play(['run', '--rm', '--network', 'none', 'hostile'])
    expect(result.exitCode).toBeOneOf([125, 126])
    expect(result.stderr).toMatch(why)
    expect((await play(['ps', '-aq'])).result.stdout.toString()).toBe('')
  })
})
