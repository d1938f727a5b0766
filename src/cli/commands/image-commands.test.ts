import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../host/child.suite.ts'
import { tarOf } from '../../store/fixture.suite.ts'
import { type CommandLine, openCommandLine } from '../fixture.suite.ts'

let slipway: CommandLine
let id: string

beforeEach(async () => {
  slipway = openCommandLine()
  const tar = tarOf({ 'etc/': { directory: true }, 'etc/a': 'hello' })
  const { out } = await slipway.with(tar, 'import', '-m', 'by hand', '-c', 'CMD ["a"]', '-', 'app:1')
  id = out.trim()
})

describe('images', () => {
  test('are a table', async () => {
    const { code, out } = await slipway('images')
    expect(code).toBe(0)
    expect(out).toMatch(/^REPOSITORY {3}TAG {7}IMAGE ID {7}CREATED +SIZE\napp {10}1 {9}[0-9a-f]{12} {3}.* ago +5B\n$/)
  })

  test('have a row for each name', async () => {
    await slipway('tag', 'app:1', 'app:2')
    await slipway('tag', 'app:1', 'reg.example:5000/other/app:3')
    const { out } = await slipway('images', '--format', '{{.Repository}}:{{.Tag}}')
    expect(out.trim().split('\n').toSorted()).toEqual(['app:1', 'app:2', 'reg.example:5000/other/app:3'])
  })

  test.each([
    [['-q'], () => `${id.slice(7, 19)}\n`],
    [['-q', '--no-trunc'], () => `${id}\n`],
    [['nothing'], () => 'REPOSITORY   TAG       IMAGE ID   CREATED   SIZE\n'],
    [['-q', 'nothing'], () => ''],
    [['--format', '{{.ID}} {{.Size}}', 'app'], () => `${id.slice(7, 19)} 5B\n`],
    [['--filter', 'reference=a*', '-q'], () => `${id.slice(7, 19)}\n`],
    [['--filter', 'dangling=true', '-q'], () => ''],
  ])('%j', async (args, expected) => {
    expect(await slipway('images', ...args)).toEqual({ code: 0, out: expected(), err: '' })
  })

  test('as JSON, a line each', async () => {
    const { out } = await slipway('image', 'ls', '--format', 'json')
    expect(JSON.parse(out)).toMatchObject({ Repository: 'app', Tag: '1', ID: id.slice(7, 19), Size: '5B' })
  })
})

describe('history', () => {
  test('is a table', async () => {
    const { out } = await slipway('history', 'app:1')
    expect(out).toMatch(/^IMAGE {10}CREATED +CREATED BY +SIZE +COMMENT\n[0-9a-f]{12} +.* ago +5B +by hand\n$/)
  })

  test('can be cut to what one wants', async () => {
    expect(await slipway('history', '-q', '--no-trunc', 'app:1')).toMatchObject({ out: `${id}\n` })
    expect(await slipway('history', '-H=false', '--format', '{{.Size}} {{.Comment}}', 'app:1')).toMatchObject({
      out: '5 by hand\n',
    })
  })
})

describe('inspect', () => {
  test('prints a list, or a template for each', async () => {
    expect(JSON.parse((await slipway('inspect', 'app:1')).out)).toMatchObject([{ Id: id, RepoTags: ['app:1'] }])
    expect(await slipway('inspect', '-f', '{{.Id}} {{json .Config.Cmd}}', 'app:1', id)).toEqual({
      code: 0,
      out: `${id} ["a"]\n${id} ["a"]\n`,
      err: '',
    })
  })

  test('prints what there is and names what there is not', async () => {
    const { code, out, err } = await slipway('inspect', 'app:1', 'nosuch')
    expect([code, JSON.parse(out).length, err]).toEqual([1, 1, 'Error: No such object: nosuch\n'])
  })

  test.each([
    [['inspect', 'nosuch'], 'Error: No such object: nosuch\n'],
    [['inspect', 'BAD'], 'Error: No such object: BAD\n'],
    [['inspect', '--type', 'image', 'nosuch'], 'Error: No such image: nosuch:latest\n'],
    [['image', 'inspect', 'nosuch'], 'Error: No such image: nosuch:latest\n'],
    [['inspect', '--type=container', 'app:1'], 'Error: No such container: app:1\n'],
  ])('%j', async (argv, err) => {
    expect(await slipway(...argv)).toEqual({ code: 1, out: '[]\n', err })
  })
})

describe('rmi', () => {
  test('says what it did', async () => {
    await slipway('tag', 'app:1', 'app:2')
    expect(await slipway('rmi', 'app:2')).toEqual({ code: 0, out: 'Untagged: app:2\n', err: '' })
    const { code, out } = await slipway('rmi', 'app:1')
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^Untagged: app:1\\nDeleted: ${id}\\nDeleted: sha256:[0-9a-f]{64}\\n$`))
  })

  test('goes on after what is not there', async () => {
    const { code, out, err } = await slipway('rmi', 'nosuch', 'app:1')
    expect(code).toBe(1)
    expect(out).toContain('Untagged: app:1\n')
    expect(err).toContain('No such image: nosuch:latest')
  })

  test('by force, what is not there is no mistake', async () => {
    expect((await slipway('rmi', '-f', 'nosuch')).code).toBe(0)
    expect((await slipway('rmi', 'nosuch')).code).toBe(1)
  })

  test('says what is in the way', async () => {
    const container = (await slipway('create', 'app:1')).out.trim().slice(0, 12)
    const short = id.slice(7, 19)
    expect((await slipway('rmi', 'app:1')).err).toContain(
      `conflict: unable to remove repository reference "app:1" (must force) - container ${container} is using its referenced image ${short}`,
    )
    await slipway('tag', 'app:1', 'b')
    expect((await slipway('rmi', id)).err).toContain(
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    )
  })
})

describe('save, load and import', () => {
  test('there and back, by pipe and by file', async () => {
    const bytes = await slipway.bytes('save', 'app:1')
    const file = path.join(temporaryFolder(), 'app.tar')
    expect(await slipway('save', '-o', file, 'app:1')).toEqual({ code: 0, out: '', err: '' })
    for (const load of [(to: CommandLine) => to.with(bytes, 'load'), (to: CommandLine) => to('load', '-i', file)]) {
      const other = openCommandLine()
      expect(await load(other)).toMatchObject({ code: 0, out: 'Loaded image: app:1\n' })
      expect((await other('images', '-q', '--no-trunc')).out).toBe(`${id}\n`)
    }
  })

  test('an image without a name is told by its id', async () => {
    const bytes = await slipway.bytes('save', id)
    const other = openCommandLine()
    expect((await other.with(bytes, 'load')).out).toBe(`Loaded image ID: ${id}\n`)
    expect((await other.with(bytes, 'load', '-q')).out).toBe(`Loaded image ID: ${id}\n`)
  })

  test('a file that cannot be written is not left half', async () => {
    const folder = temporaryFolder()
    const { code, err } = await slipway('save', '-o', path.join(folder, 'x.tar'), 'nosuch')
    expect([code, err.includes('No such image: nosuch:latest')]).toEqual([1, true])
    expect(existsSync(path.join(folder, 'x.tar'))).toBe(false)
  })

  test.each([
    [['save', 'nosuch'], 'No such image: nosuch:latest'],
    [['load', '-i', '/nowhere'], 'open /nowhere: no such file or directory'],
    [['import', '/nowhere'], 'open /nowhere: no such file or directory'],
    [['import', '-', 'BAD'], 'invalid reference format: repository name (library/BAD) must be lowercase'],
    [['tag', 'nosuch', 'x'], 'No such image: nosuch:latest'],
    [['tag', 'app:1', 'Bad:x'], 'invalid reference format: repository name (library/Bad) must be lowercase'],
    [['tag', 'app:1', `a@sha256:${'1'.repeat(64)}`], 'refusing to create a tag with a digest reference'],
    [['history', 'nosuch'], 'No such image: nosuch:latest'],
    [['rmi', 'BAD'], 'invalid reference format: repository name (library/BAD) must be lowercase'],
    [['images', '--filter', 'foo=bar'], "invalid filter 'foo'"],
    [['images', '--filter', 'before=nosuch'], 'No such image: nosuch:latest'],
    [['image', 'prune', '-f', '--filter', 'foo=bar'], "invalid filter 'foo'"],
  ])('%j fails in Docker’s words', async (argv, message) => {
    const { code, out, err } = await slipway(...argv)
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(message)
  })

  test('a file system is no archive of images', async () => {
    const file = path.join(temporaryFolder(), 'fs.tar')
    writeFileSync(file, tarOf({ 'etc/': { directory: true } }))
    const { code, err } = await slipway('load', '-i', file)
    expect(code).toBe(1)
    expect(err).toContain('import')
  })
})

describe('image prune', () => {
  test('takes what has no name', async () => {
    const tar = tarOf({ b: 'other' })
    const other = (await slipway.with(tar, 'import', '-')).out.trim()
    const { code, out } = await slipway('image', 'prune', '-f')
    expect(code).toBe(0)
    expect(out).toContain(`deleted: ${other}\n`)
    expect(out).toMatch(/Total reclaimed space: \S+\n$/)
    expect((await slipway('images', '-q', '--no-trunc')).out).toBe(`${id}\n`)
  })
})
