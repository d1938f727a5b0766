import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { DIGEST_ALGORITHMS, digestOf } from '../core/index.ts'
import { isRoot, temporaryFolder } from '../host/child.suite.ts'
import { temporaryStore } from './fixture.suite.ts'
import { defaultRoot, openStore } from './index.ts'
import { layoutAt } from './layout.ts'

describe('the folder of the store', () => {
  test('is what SLIPWAY_ROOT says, made absolute', () => {
    expect(defaultRoot({ SLIPWAY_ROOT: '/somewhere' })).toBe('/somewhere')
    expect(defaultRoot({ SLIPWAY_ROOT: 'here' })).toBe(path.resolve('here'))
  })

  test.skipIf(!isRoot)('belongs to the system for root', () => {
    expect(defaultRoot({ XDG_DATA_HOME: '/x', SLIPWAY_ROOT: '' })).toBe('/var/lib/slipway')
  })

  test.skipIf(isRoot)('belongs to the user otherwise', () => {
    expect(defaultRoot({ XDG_DATA_HOME: '/x' })).toBe('/x/slipway')
    expect(defaultRoot({})).toBe(path.join(os.homedir(), '.local/share/slipway'))
  })

  test('is closed to others, and marked as an OCI layout', () => {
    const { root } = temporaryStore('deep/below')
    expect(statSync(root).mode & 0o777).toBe(0o700)
    expect(JSON.parse(readFileSync(path.join(root, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' })
    for (const algorithm of DIGEST_ALGORITHMS) {
      expect(statSync(path.join(root, 'blobs', algorithm)).mode & 0o777).toBe(0o700)
    }
  })

  test('is made whole again where something is missing', () => {
    const { root } = temporaryStore()
    rmSync(path.join(root, 'index'), { recursive: true })
    writeFileSync(path.join(root, 'oci-layout'), 'damaged')
    const again = openStore(root)
    again[Symbol.dispose]()
    expect(statSync(path.join(root, 'index')).isDirectory()).toBe(true)
    expect(readFileSync(path.join(root, 'oci-layout'), 'utf8')).toContain('imageLayoutVersion')
  })

  test('that is a file cannot be used', () => {
    const file = path.join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    for (const root of [file, path.join(file, 'below')]) {
      expect(() => openStore(root)).toThrow(
        expect.objectContaining({
          code: 'STORE_UNUSABLE',
          message: expect.stringContaining(`cannot use the store at ${root}`),
          hint: 'name another folder with --root or SLIPWAY_ROOT',
        }),
      )
    }
  })

  test.skipIf(isRoot)('that is closed to this user comes with advice', () => {
    const folder = temporaryFolder()
    mkdirSync(path.join(folder, 'closed'))
    chmodSync(path.join(folder, 'closed'), 0o500)
    expect(() => openStore(path.join(folder, 'closed/store'))).toThrow(
      expect.objectContaining({ code: 'STORE_UNUSABLE', hint: expect.stringContaining('run as root') }),
    )
  })
})

describe('paths', () => {
  const digest = digestOf(Buffer.from('x'))

  test('of content are by algorithm and hex digits', () => {
    const layout = layoutAt('/store')
    expect(layout.blob(digest)).toBe(`/store/blobs/sha256/${digest.slice(7)}`)
    expect(layout.index(digest)).toBe(`/store/index/${digest.slice(7)}.erofs`)
    expect(layout.ingest('abc')).toBe('/store/ingest/abc')
  })

  test('of sockets stay below the 107 bytes that the kernel allows, however long the root is', () => {
    const container = 'c/0123456789ab/attach'
    const root = `/${'deep/'.repeat(100)}store`
    const { runtime } = layoutAt(root)
    expect(Buffer.byteLength(path.join(runtime, container))).toBeLessThanOrEqual(107)
    expect(layoutAt(root).runtime).toBe(runtime)
    expect(layoutAt(`${root}2`).runtime).not.toBe(runtime)
  })
})
