import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadConfig, parseConfig } from './config.ts'
import { temporaryFolder } from './fixture.suite.ts'

const FILE = 'registry.toml'

describe('the configuration', () => {
  test('has times and sizes of upstreams as people write them, and absolute paths', () => {
    const text = '[[proxy.upstream]]\nname = "docker.io"\nfresh = "90s"\nkeep = "30d"\nmax_size = "2GiB"\n'
    expect(parseConfig(text, FILE).proxy).toEqual({
      upstream: [{ name: 'docker.io', fresh: 90_000, keep: 30 * 86_400_000, max_size: 2 * 1024 ** 3 }],
    })
    const refused = { code: 'REGISTRY_CONFIG_INVALID', message: expect.stringContaining('fresh') }
    expect(() => parseConfig(text.replace('90s', 'soon'), FILE)).toThrow(expect.objectContaining(refused))
  })

  test('may be empty', () => expect(parseConfig('', FILE)).toEqual({}))

  test('says what it says', () => {
    const text = 'listen = "[::1]:5000"\nroot = "/r"\ndelete = false\n[limits]\nblob = 10\nupload_hours = 2\n'
    expect(parseConfig(text, FILE)).toEqual({
      listen: '[::1]:5000',
      root: '/r',
      delete: false,
      limits: { blob: 10, upload_hours: 2 },
    })
  })

  test.each<[string, string, number, string]>([
    ['an unknown key', 'delete = true\nlisen = "x:1"\n', 2, "unknown key 'lisen'"],
    ['an unknown key in a table', '[limits]\n# a comment\nblobs = 1\n', 3, "unknown key 'limits.blobs'"],
    ['an unknown table', 'delete = true\n\n[limit]\nblob = 1\n', 3, "unknown key 'limit'"],
    ['another type', 'delete = "yes"\n', 1, 'delete: '],
    ['a port alone', 'listen = "5000"\n', 1, 'listen: must be HOST:PORT'],
    ['a limit of nothing', '[limits]\nblob = 0\n', 2, 'limits.blob: '],
    ['a manifest limit below that of the protocol', '[limits]\nmanifest = 100\n', 2, 'must be 4194304 at least'],
    [
      'another type in a later table',
      '[[quota]]\nlimit = "1GB"\nnamespaces = []\n\n[[quota]]\nlimit = 5\n',
      6,
      'quota.1.limit',
    ],
    [
      'a table in a table',
      '[[retention]]\nrepositories = []\n[[retention.keep]]\ntags = 1\n',
      4,
      'retention.0.keep.0.tags',
    ],
    ['an inline table', 'delete = true\ngc = { every = "7q" }\n', 2, 'gc.every: must be a time'],
    ['a missing key', 'delete = true\n[tls]\ncert = "x"\n', 2, 'tls.key'],
    ['a port that is none', 'listen = "a:99999"', 1, 'listen: must be HOST:PORT'],
    [
      'a rule without sense',
      '[[access.rule]]\nrepository = "a"\nwho = "x"\nactions = []\n[[access.rule]]\nrepository = "a"\nwho = "x"\nactions = ["pul"]\n',
      5,
      'access.rule.1: unknown action "pul"',
    ],
    ['an administrator of no kind', '[access]\nadmins = ["team:x"]\n', 2, 'access.admins: '],
    ['no TOML', 'delete = true\nx = = 1\n', 2, ''],
  ])('with %s is refused, with the line', (_name, text, line, words) => {
    const refused = {
      code: 'REGISTRY_CONFIG_INVALID',
      message: expect.stringContaining(words),
      data: { file: FILE, line },
    }
    expect(() => parseConfig(text, FILE)).toThrow(expect.objectContaining(refused))
  })

  test('paths are relative to the file', () => {
    const folder = temporaryFolder()
    const file = path.join(folder, FILE)
    writeFileSync(file, 'root = "data"\n[tls]\ncert = "c.pem"\nkey = "/k.pem"\n')
    expect(loadConfig(file)).toMatchObject({
      root: path.join(folder, 'data'),
      tls: { cert: path.join(folder, 'c.pem'), key: '/k.pem' },
    })
  })

  test('that is not there is an error', () => {
    const missing = path.join(temporaryFolder(), 'none')
    expect(() => loadConfig(missing)).toThrow(expect.objectContaining({ code: 'REGISTRY_CONFIG_INVALID' }))
  })
})
