import { closeSync, constants, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { type ByteString, toByteString } from '../core/index.ts'
import { startChild, temporaryFolder } from './child.suite.ts'
import { makeNode, openInRoot, readInRoot } from './index.ts'

const LIMIT = 1 << 20
let base: string
let root: string

beforeEach(() => {
  base = temporaryFolder()
  root = path.join(base, 'root')
  mkdirSync(path.join(root, 'etc/sub'), { recursive: true })
  writeFileSync(path.join(base, 'secret'), 'outside')
  writeFileSync(path.join(root, 'etc/passwd'), 'inside')
})

const read = (name: string, limit: number = LIMIT): string | undefined =>
  readInRoot(root, toByteString(name), limit)?.toString()

describe('readInRoot', () => {
  test.each(['etc/passwd', '/etc/passwd', './etc//passwd', '../../etc/passwd', 'etc/sub/../passwd', '//etc/./passwd'])(
    '%s',
    (name) => {
      expect(read(name)).toBe('inside')
    },
  )

  test.each(['../secret', '/../secret', '../../../../../../../../etc/hostname', 'etc/none', 'etc/passwd/x', '', 'etc'])(
    '%j is not there',
    (name) => {
      expect(read(name)).toBeUndefined()
    },
  )

  test.each([
    ['an absolute link', '/etc/passwd', 'inside'],
    ['a relative link', 'etc/passwd', 'inside'],
    ['a link that climbs out and comes back by name', '../../../etc/passwd', 'inside'],
    ['an absolute link to the host', '__SECRET__', undefined],
    ['a link that climbs out', '../secret', undefined],
    ['a link to a folder', '/etc', undefined],
    ['a link to itself', 'link', undefined],
    ['a link to /proc of the host', '/proc/self/environ', undefined],
  ])('%s', (_name, target, expected) => {
    symlinkSync(target === '__SECRET__' ? path.join(base, 'secret') : target, path.join(root, 'link'))
    expect(read('link')).toBe(expected)
  })

  test('a linked folder on the way', () => {
    symlinkSync('/etc', path.join(root, 'conf'))
    symlinkSync(base, path.join(root, 'out'))
    expect(read('conf/passwd')).toBe('inside')
    expect(read('out/secret')).toBeUndefined()
  })

  test('a FIFO, a device or a socket is none, and does not block', () => {
    makeNode(path.join(root, 'pipe'), 'fifo', 0o600)
    expect(read('pipe')).toBeUndefined()
    if (process.getuid?.() !== 0) return
    makeNode(path.join(root, 'null'), 'char', 0o600, { major: 1, minor: 3 })
    expect(read('null')).toBeUndefined()
  })

  test('what is too large is refused, what fits is not', () => {
    writeFileSync(path.join(root, 'big'), Buffer.alloc(1000))
    expect(read('big', 1000)?.length).toBe(1000)
    expect(() => read('big', 999)).toThrow(expect.objectContaining({ code: 'FILE_TOO_LARGE' }))
  })

  test('an empty file is there', () => {
    writeFileSync(path.join(root, 'empty'), '')
    expect(read('empty')).toBe('')
  })

  test('a name that is not UTF-8', () => {
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), 'bytes')
    expect(readInRoot(root, '\xff' as ByteString, LIMIT)?.toString()).toBe('bytes')
  })

  test('a NUL does not cut the name', () => {
    expect(() => read('etc/passwd\0.txt')).toThrow(/EINVAL/)
  })
})

describe('openInRoot', () => {
  test('opens for writing, and makes files only inside', () => {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
    closeSync(openInRoot(root, toByteString('../new'), flags, 0o600))
    expect(readdirSync(root)).toContain('new')
    expect(readdirSync(base)).not.toContain('new')
    symlinkSync(path.join(base, 'fresh'), path.join(root, 'link'))
    expect(() => openInRoot(root, toByteString('link'), constants.O_WRONLY | constants.O_CREAT, 0o600)).toThrow()
    expect(readdirSync(base)).not.toContain('fresh')
  })

  test('the descriptor is not inherited', () => {
    const fd = openInRoot(root, toByteString('etc/passwd'))
    const flags = /flags:\s*0?(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1]!
    closeSync(fd)
    expect(Number.parseInt(flags, 8) & 0o2000000).toBe(0o2000000)
  })

  test('an error leaves nothing open', () => {
    const open = (): number => readdirSync('/proc/self/fd').length
    const before = open()
    for (let i = 0; i < 10; i++) expect(() => openInRoot(root, toByteString('none'))).toThrow(/ENOENT: openat2 'none'/)
    expect(open()).toBe(before)
  })

  test('magic links of a mounted /proc lead nowhere', () => {
    const fd = openInRoot(base, toByteString('secret'))
    try {
      expect(() => openInRoot('/proc', toByteString(`self/fd/${fd}`))).toThrow(/ELOOP/)
      expect(() => openInRoot('/proc', toByteString('self/root/etc'))).toThrow(/ELOOP/)
    } finally {
      closeSync(fd)
    }
  })

  test('never leaves the root while another process swaps a folder for a link', async () => {
    mkdirSync(path.join(base, 'outside'))
    writeFileSync(path.join(base, 'outside/file'), 'outside')
    mkdirSync(path.join(root, 'swap'))
    writeFileSync(path.join(root, 'swap/file'), 'inside')
    const child = startChild(async ({ fs, tell }, at) => {
      fs.symlinkSync(`${at}/outside`, `${at}/root/link`)
      tell('ready')
      for (let i = 0; ; i++) {
        fs.renameSync(`${at}/root/swap`, `${at}/root/kept`)
        fs.renameSync(`${at}/root/link`, `${at}/root/swap`)
        fs.renameSync(`${at}/root/swap`, `${at}/root/link`)
        fs.renameSync(`${at}/root/kept`, `${at}/root/swap`)
        if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
    }, base)
    await child.next()
    const seen = new Map<string, number>()
    const end = Date.now() + 15_000
    // a plain read, to know that the race is a race
    while (Date.now() < end && (seen.get('outside') ?? 0) < 20) count(seen, plain(path.join(root, 'swap/file')))
    expect(seen.get('outside')).toBeGreaterThan(0)
    seen.clear()
    for (let i = 0; i < 5000; i++) count(seen, tryRead('swap/file'))
    expect(seen.get('inside')).toBeGreaterThan(0)
    expect(seen.get('outside')).toBeUndefined()
  })

  /** EAGAIN: the kernel could not be sure that a rename did not lead outside. */
  function tryRead(name: string): string | undefined {
    try {
      return read(name)
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN')
      return undefined
    }
  }

  function plain(file: string): string | undefined {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return undefined
    }
  }

  function count(counts: Map<string, number>, key = 'none'): void {
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
})
