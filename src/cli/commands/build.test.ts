import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type Answer, callMain } from '../fixture.suite.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** Builds a Dockerfile without a base, which needs no root, and gives what inspection shows by a template. */
async function build(dockerfile: string, args: readonly string[], format: string, env: Record<string, string> = {}) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-build-'))
  folders.push(folder)
  const context = path.join(folder, 'context')
  mkdirSync(context)
  writeFileSync(path.join(context, 'Dockerfile'), dockerfile)
  const root = ['--root', path.join(folder, 'store')]
  const built = await call([...root, 'build', '-q', '-t', 'it', ...args, context], env)
  if (built.code !== 0) return built.err
  return (await call([...root, 'inspect', '-f', format, 'it'], env)).out.trim()
}

const call = (argv: string[], env: Record<string, string>, stdin = ''): Promise<Answer> =>
  callMain(argv, { env, stdin })

const LABELS = '{{json .Config.Labels}}'

test('labels of the command line win over those of the Dockerfile; a name alone is an empty label', async () => {
  const dockerfile = 'FROM scratch\nLABEL a=dockerfile b=dockerfile\n'
  const labels = ['--label', 'a=flag', '--label', 'alone', '--label', 'empty=', '--label', 'with=an=equals sign']
  expect(await build(dockerfile, labels, LABELS)).toBe(
    '{"a":"flag","alone":"","b":"dockerfile","empty":"","with":"an=equals sign"}',
  )
})

test('--push needs a tag', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-build-'))
  folders.push(folder)
  writeFileSync(path.join(folder, 'Dockerfile'), 'FROM scratch\nLABEL a=b\n')
  const build = (...args: string[]) => call(['--root', path.join(folder, 'store'), 'build', ...args, folder], {})
  const problem = 'tag is needed when pushing to registry'
  expect(await build('--push')).toMatchObject({ code: 1, err: expect.stringContaining(problem) })
  expect((await build()).code).toBe(0)
})

test('a build argument without a value takes that of the environment, or is none', async () => {
  const dockerfile = 'FROM scratch\nARG ONE=default\nARG TWO=default\nLABEL one=$ONE two=$TWO\n'
  const args = ['--build-arg', 'ONE', '--build-arg', 'TWO']
  expect(await build(dockerfile, args, LABELS, { ONE: 'from outside' })).toBe('{"one":"from outside","two":"default"}')
})

test.each(['--label', '--build-arg'])('%s without a name is refused', async (flag) => {
  expect(await build('FROM scratch\nLABEL a=b\n', [flag, '=x'], LABELS)).toMatch(
    /^ERROR: failed to build: invalid key-value pair "=x": empty key$/m,
  )
})

/** A folder with a context, and a call of `build` with its own store there. */
function workplace(dockerfile: string) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-build-'))
  folders.push(folder)
  const context = path.join(folder, 'context')
  mkdirSync(context)
  writeFileSync(path.join(context, 'Dockerfile'), dockerfile)
  const at = (name: string): string => path.join(folder, name)
  const slipway = (args: string[], stdin?: string): Promise<Answer> => call(['--root', at('store'), ...args], {}, stdin)
  return { at, slipway, build: (args: string[], stdin?: string) => slipway(['build', ...args, context], stdin) }
}

describe('messages are those of docker build', () => {
  test.each([
    [['-t', 'UPPER'], 'failed to build: invalid tag "UPPER": repository name must be lowercase'],
    [['-t', 'a b'], 'failed to build: invalid tag "a b": invalid reference format'],
    [['-t', 'a@b'], 'failed to build: invalid tag "a@b": invalid reference format'],
    [['-t', ''], 'failed to build: invalid tag "": repository name must have at least one component'],
    [['-t', `x@sha256:${'a'.repeat(64)}`], 'failed to build: build tag cannot contain a digest'],
    [
      ['--network', 'bridge'],
      'failed to build: network mode "bridge" not supported by Slipway: use default, none or host',
    ],
    [['--add-host', 'foo'], 'failed to build: invalid host foo'],
    [['--add-host', 'foo:bar'], 'failed to build: invalid host foo:bar'],
    [['--label', ''], 'failed to build: invalid key-value pair "": empty key'],
    [['--platform', 'foo'], 'failed to build: "foo": unknown operating system or architecture: invalid argument'],
    [['--secret', 'x'], "failed to build: invalid field 'x' must be a key=value pair"],
    [
      ['--secret', 'id="a'],
      'failed to build: failed to parse csv secret: parse error on line 1, column 4: bare " in non-quoted-field',
    ],
    [['--secret', 'src=x'], 'failed to build: secret missing ID'],
    [['--secret', 'id=x,src=/nope'], 'failed to build: failed to stat /nope: stat /nope: no such file or directory'],
    [['--secret', 'id=x,type=bogus'], 'failed to build: unsupported secret type "bogus"'],
    [['--secret', 'id=x,foo=bar'], "failed to build: unexpected key 'foo' in 'foo=bar'"],
    [
      ['--ssh', 'default=/nope'],
      'failed to build: failed to convert agent config {default [/nope] false}: failed to convert agent config for ID: "default": stat /nope: no such file or directory',
    ],
    [['--allow', 'foo'], 'failed to build: unknown entitlement foo'],
    [['--target', 'x'], 'failed to build: failed to solve: target stage "x" could not be found'],
    [
      ['--iidfile', '/nowhere/iid'],
      'failed to build: writing image ID file: open /nowhere/iid: no such file or directory',
    ],
  ])('%j', async (flags, message) => {
    const { code, err } = await workplace('FROM scratch\nLABEL a=b\n').build(['-q', ...flags])
    expect(err.split('\n')).toContain(`ERROR: ${message}`)
    expect(code).toBe(1)
  })

  test('an image id is a base when it is as long as images shows it', async () => {
    const { at, slipway, build } = workplace('FROM scratch\nENV A=1\n')
    const id = (await build(['-q'])).out.trim()
    const from = async (name: string): Promise<Answer> => {
      writeFileSync(at('context/Dockerfile'), `FROM ${name}\nENV B=2\n`)
      return build(['-q', '-t', 'it'])
    }
    expect((await from(id.slice(7, 19))).code).toBe(0)
    expect((await slipway(['inspect', '-f', '{{.Config.Env}}', 'it'])).out).toContain('A=1 B=2')
    expect((await from(id.slice(7, 10))).err).toContain('failed to resolve source metadata')
  })

  test('a base for another platform is used, with a warning', async () => {
    const { at, build } = workplace('FROM scratch\nCOPY <<E /a\na\nE\n')
    await build(['-q', '-t', 'arm', '--platform', 'linux/arm/v6'])
    writeFileSync(at('context/Dockerfile'), 'FROM arm\nENV B=2\n')
    const { err } = await build(['--platform', 'linux/s390x'])
    expect(err).toContain(
      'InvalidBaseImagePlatform: Base image arm was pulled with platform "linux/arm/v6", expected "linux/s390x" for current build (line 1)',
    )
  })
})

describe('--iidfile', () => {
  test('gets the id, and nothing of a build that fails', async () => {
    const { at, build } = workplace('FROM scratch\nENV A=1\n')
    const { out } = await build(['-q', '--iidfile', at('iid')])
    expect(readFileSync(at('iid'), 'utf8')).toBe(out.trim())
    await build(['-q', '--iidfile', at('iid'), '--target', 'missing'])
    expect(existsSync(at('iid'))).toBe(false)
  })
})

test('-f - reads the Dockerfile from standard input, and the context stays what it is', async () => {
  const { at, slipway, build } = workplace('FROM nowhere\n')
  writeFileSync(at('context/f'), '')
  writeFileSync(at('context/.dockerignore'), 'Dockerfile\n')
  const { code, out } = await build(['-q', '-f', '-'], 'FROM scratch\nCOPY . /\nLABEL from=stdin\n')
  expect(code).toBe(0)
  expect((await slipway(['inspect', '-f', LABELS, out.trim()])).out.trim()).toBe('{"from":"stdin"}')
  const failed = await build(['-f', '-'], 'FROM scratch\nCOPY Dockerfile /\n')
  expect(failed.err).toContain('Dockerfile:2\n')
  expect(failed.err).toContain('"/Dockerfile": not found in the build context (see .dockerignore)')
})

describe('contexts', () => {
  test('- reads an archive or a Dockerfile from standard input', async () => {
    const { slipway } = workplace('FROM scratch\n')
    const built = await slipway(['build', '-q', '-'], 'FROM scratch\nLABEL from=stdin\n')
    expect((await slipway(['inspect', '-f', LABELS, built.out.trim()])).out.trim()).toBe('{"from":"stdin"}')
    const both = await slipway(['build', '-f', '-', '-'], 'FROM scratch\n')
    expect(both.err).toContain("invalid argument: can't use stdin for both build context and dockerfile")
    const twice = await slipway(['build', '-f', 'x', '-'], 'FROM scratch\n')
    expect(twice.err).toContain('ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles')
  })

  test('--build-context names a folder', async () => {
    const { at, build } = workplace('FROM scratch\nCOPY --from=other f /\n')
    mkdirSync(at('other'))
    writeFileSync(at('other/f'), '')
    expect((await build(['-q', '--build-context', `other=${at('other')}`])).code).toBe(0)
    expect((await build(['--build-context', 'other'])).err).toContain(
      'ERROR: failed to build: invalid context value: other, expected key=value',
    )
  })

  test('another # syntax= is told with its place', async () => {
    const { err } = await workplace('# syntax=other/frontend:1\nFROM scratch\n').build([])
    expect(err).toContain('Dockerfile:1\n')
    expect(err).toContain('unknown Dockerfile frontend other/frontend:1')
  })
})

describe('outputs', () => {
  const DOCKERFILE = 'FROM scratch\nCOPY Dockerfile /\n'

  function workplaceOf(): { at(name: string): string; run(...args: string[]): Promise<Answer> } {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-build-'))
    folders.push(folder)
    mkdirSync(path.join(folder, 'context'))
    writeFileSync(path.join(folder, 'context/Dockerfile'), DOCKERFILE)
    const at = (name: string): string => path.join(folder, name)
    const run = (...args: string[]): Promise<Answer> =>
      call(['--root', at('store'), 'build', '-q', ...args, at('context')], {})
    return { at, run }
  }

  test('files print nothing, images their id; --metadata-file and --iidfile say the same', async () => {
    const { at, run } = workplaceOf()
    expect(await run('-o', at('out'), '--iidfile', at('iid'))).toMatchObject({ code: 0, out: '\n' })
    expect(readFileSync(at('out/Dockerfile'), 'utf8')).toBe(DOCKERFILE)
    expect(existsSync(at('iid'))).toBe(false)
    const flags = ['--iidfile', at('iid'), '--metadata-file', at('meta'), '-t', 'b', '-t', 'a']
    const { out } = await run('-o', `type=oci,dest=${at('o.tar')}`, ...flags)
    const metadata = JSON.parse(readFileSync(at('meta'), 'utf8'))
    expect(out.trim()).toBe(readFileSync(at('iid'), 'utf8'))
    expect(metadata).toMatchObject({
      'containerimage.config.digest': out.trim(),
      'containerimage.descriptor': { mediaType: 'application/vnd.oci.image.manifest.v1+json' },
      'image.name': 'docker.io/library/b:latest,docker.io/library/a:latest',
    })
    expect(metadata['containerimage.digest']).toBe(metadata['containerimage.descriptor'].digest)
  })

  test('a tar on standard output is all that is there', async () => {
    const { run } = workplaceOf()
    const { out } = await run('-o', '-')
    expect(out.slice(0, 10)).toBe('Dockerfile')
    expect(out).toContain(DOCKERFILE)
    expect(out).not.toContain('sha256:')
  })

  test('--verify-reproducible says what came of it', async () => {
    const { run } = workplaceOf()
    const { code, err } = await run('--verify-reproducible')
    expect(err).toBe('reproducible: a second build without the cache gave the same layers\n')
    expect(code).toBe(0)
  })
})
