import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { makeNode, setTimes, setXattr } from '../host/index.ts'
import { canMount, keptDirectory, temporaryDirectory } from './fixture.suite.ts'
import { compareWithGnuTar } from './parity.suite.ts'

const hasGnuTar = (() => {
  try {
    return execFileSync('tar', ['--version'], { encoding: 'utf8' }).includes('GNU tar')
  } catch {
    return false
  }
})()

/** Everything that ever was different between two readers of tar. */
function makeEdgeCases(root: string): void {
  const at = (...names: string[]): string => path.join(root, ...names)
  const write = (name: string, content: string | Buffer = name): void => writeFileSync(at(name), content)
  mkdirSync(at('links/deep'), { recursive: true })
  for (const size of [0, 1, 511, 512, 513, 4095, 4096, 4097, 100_001])
    write(`size-${size}`, Buffer.alloc(size, 'abc\n'))
  write('links/a')
  linkSync(at('links/a'), at('links/b'))
  linkSync(at('links/a'), at('links/deep/c'))
  symlinkSync('a', at('links/short'))
  symlinkSync('x'.repeat(401), at('links/long'))
  symlinkSync('y/'.repeat(600), at('links/longer'))
  linkSync(at('links/short'), at('links/short2'))
  makeNode(at('null'), 'char', 0o666, { major: 1, minor: 3 })
  makeNode(at('disk'), 'block', 0o600, { major: 8, minor: 70_000 })
  makeNode(at('pipe'), 'fifo', 0o622)
  for (const mode of [0o4755, 0o2755, 0o1777, 0o000]) {
    write(`mode-${mode.toString(8)}`)
    chmodSync(at(`mode-${mode.toString(8)}`), mode)
  }
  write('owner')
  chownSync(at('owner'), 70_000, 200_000)
  write('owner-huge')
  chownSync(at('owner-huge'), 3_000_000_000, 4_294_967_294)
  for (const name of [' ', '!', '+x', '-y', '.hidden', '..dots', 'n'.repeat(255), 'back\\slash', 'new\nline'])
    write(name, 'odd')
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xe9, 0x80])]), 'no UTF-8')
  const deep = Array(8).fill('directory-'.repeat(6)).join('/')
  mkdirSync(at(deep), { recursive: true })
  write(`${deep}/file`)
  mkdirSync(at('many'))
  for (let i = 0; i < 500; i++) write(`many/entry-${(i * 7919) % 500}`, '')
  makeAttributes(at)
  makeTimes(at)
  makeSparse(at)
}

function makeAttributes(at: (name: string) => string): void {
  const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
  for (const name of ['capability', 'attributes', 'acl']) writeFileSync(at(name), name)
  setXattr(at('capability'), 'security.capability', capability)
  for (let i = 0; i < 20; i++) setXattr(at('attributes'), `user.number-${i}`, Buffer.alloc(i * 5, i))
  setXattr(at('attributes'), 'user.long', Buffer.alloc(2000, 'v'))
  setXattr(at('attributes'), 'trusted.secret', Buffer.from([0, 10, 61]))
  mkdirSync(at('attributes-of-a-directory'))
  setXattr(at('attributes-of-a-directory'), 'user.d', Buffer.from('d'))
}

function makeTimes(at: (name: string) => string): void {
  const times = { old: -5_000_000, epoch: 0, y2038: 2 ** 31 + 5, y2100: 5_000_000_000 }
  for (const [name, seconds] of Object.entries(times)) {
    for (const nanoseconds of [0, 1, 123_456_789, 999_999_999]) {
      const file = at(`time-${name}-${nanoseconds}`)
      writeFileSync(file, '')
      setTimes(file, { seconds, nanoseconds })
    }
  }
}

function makeSparse(at: (name: string) => string): void {
  const holes = (name: string, size: number, data: readonly number[]): void => {
    const fd = openSync(at(name), 'w')
    for (const offset of data) writeSync(fd, `data at ${offset}`, offset)
    ftruncateSync(fd, size)
    closeSync(fd)
  }
  holes('sparse', 4_000_000, [0, 1_000_000, 2_000_001, 3_999_980])
  holes(
    'sparse-many',
    4_000_000,
    Array.from({ length: 60 }, (_, i) => i * 65_536),
  )
  holes('sparse-end', 5_000_001, [4_999_990])
  holes('sparse-empty', 3_000_000, [])
  holes('sparse-hole-first', 1_000_000, [999_000])
}

describe.skipIf(!canMount || !hasGnuTar)('mount, FileTree, unpacked and merged are what GNU tar extracts', () => {
  let source = ''
  beforeAll(() => {
    source = path.join(keptDirectory(), 'source')
    mkdirSync(source)
    makeEdgeCases(source)
  })

  test.each([
    ['gnu', ['--format=gnu']],
    ['gnu, sparse', ['--format=gnu', '-S']],
    ['old gnu', ['--format=oldgnu']],
    ['posix', ['--format=posix', '--xattrs', '--xattrs-include=*']],
    ['posix, sparse 1.0', ['--format=posix', '--sparse-version=1.0', '-S', '--xattrs', '--xattrs-include=*']],
    ['posix, sparse 0.1', ['--format=posix', '--sparse-version=0.1', '-S']],
    ['posix, sparse 0.0', ['--format=posix', '--sparse-version=0.0', '-S']],
    ['ustar', ['--format=ustar']],
    ['v7', ['--format=v7']],
    ['with absolute names', ['--format=posix', '-P', '--transform=s,^[.],/absolute,']],
  ])('%s', async (_what, flags) => {
    const work = temporaryDirectory()
    const archive = path.join(work, 'archive.tar')
    // Formats that cannot hold something say so and go on: what they do hold is compared.
    spawnSync('tar', [...flags, '--sort=name', '-cf', archive, '-C', source, '.'], { stdio: 'ignore' })
    const parity = await compareWithGnuTar(archive, work)
    expect(parity).toMatchObject({ gnu: '', refused: '', mount: [], tree: [], unpacked: [], merged: [] })
    expect(parity.entries).toBeGreaterThan(500)
  })

  test('compressed, and with appended newer versions of files', async () => {
    const work = temporaryDirectory()
    const archive = path.join(work, 'archive.tar')
    const files = path.join(work, 'files')
    mkdirSync(files)
    writeFileSync(path.join(files, 'f'), 'first')
    writeFileSync(path.join(files, 'g'), 'g')
    execFileSync('tar', ['-cf', archive, '-C', files, '.'])
    appendFileSync(path.join(files, 'f'), ' and second')
    execFileSync('tar', ['-rf', archive, '-C', files, './f'])
    execFileSync('gzip', [archive])
    const parity = await compareWithGnuTar(`${archive}.gz`, work)
    expect(parity).toMatchObject({ entries: 3, gnu: '', refused: '', mount: [], tree: [], unpacked: [], merged: [] })
  })
})
