import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { temporaryFolder } from '../host/child.suite.ts'
import { type BundleRequest, writeBundle } from './bundle.ts'
import { ACCOUNT_FILE_LIMIT } from './user.ts'

let folder: string
let rootfs: string

beforeEach(() => {
  const all = temporaryFolder()
  folder = path.join(all, 'bundle')
  rootfs = path.join(all, 'rootfs')
  mkdirSync(path.join(rootfs, 'etc'), { recursive: true })
  writeFileSync(path.join(rootfs, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nweb:x:33:34::/home:/bin/sh\n')
  writeFileSync(path.join(rootfs, 'etc/group'), 'root:x:0:\nwww:x:34:\nvideo:x:44:web\n')
})

function request(changes: Partial<BundleRequest> = {}): BundleRequest {
  return {
    id: 'abc',
    runtime: { program: '/usr/bin/crun', stateFolder: '/state', cgroup: '/slipway/store' },
    user: '',
    process: { args: ['sh'], env: [], cwd: '/', hostname: 'box', terminal: false, network: 'none', mounts: [] },
    ...changes,
  }
}

function configOf(changes: Partial<BundleRequest> = {}): {
  process: { user: object }
  root: object
  linux: { cgroupsPath: string }
} {
  writeBundle(folder, rootfs, request(changes))
  return JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8'))
}

test('a bundle names its root, its user and its control group', () => {
  const config = configOf({ user: 'web' })
  expect(config.root).toEqual({ path: rootfs, readonly: false })
  expect(config.process.user).toMatchObject({ uid: 33, gid: 34, additionalGids: [34, 44] })
  expect(config.linux.cgroupsPath).toBe('/slipway/store/abc')
  expect(statSync(folder).mode & 0o777).toBe(0o700)
})

test('an image without account files has root and numbers', () => {
  mkdirSync(path.join(rootfs, 'empty'))
  writeBundle(folder, path.join(rootfs, 'empty'), request({ user: '1000:1001' }))
  const { process } = JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8'))
  expect(process.user).toMatchObject({ uid: 1000, gid: 1001 })
})

test('account files are looked up inside of the image, wherever its links point', () => {
  mkdirSync(path.join(rootfs, 'own'))
  writeFileSync(path.join(rootfs, 'own/passwd'), 'inside:x:7:8::/:/bin/sh\n')
  const image = path.join(rootfs, 'linked')
  mkdirSync(image)
  symlinkSync('/own', path.join(image, 'etc'))
  mkdirSync(path.join(image, 'own'))
  symlinkSync('../../../../../../../../etc/passwd', path.join(image, 'own/passwd'))
  // the link points to itself, from inside: there is no such file, and never the host's
  expect(() => writeBundle(folder, image, request({ user: 'root' }))).toThrow()
  expect(existsSync(path.join(folder, 'config.json'))).toBe(false)
})

test.each([
  ['an unknown user', { user: 'nobody-here' }, 'USER_UNKNOWN'],
  ['an unknown group', { user: 'web:nothing' }, 'USER_UNKNOWN'],
  ['a user that is none', { user: 'a:b:c' }, 'USER_INVALID'],
])('%s is refused, and nothing is written', (_what, changes, code) => {
  expect(() => configOf(changes)).toThrow(expect.objectContaining({ code }))
  expect(existsSync(folder)).toBe(false)
})

test('arguments that Linux cannot take are refused', () => {
  const { process } = request()
  expect(() => configOf({ process: { ...process, args: ['a\0b'] } })).toThrow(
    expect.objectContaining({ code: 'RUNTIME_FAILED' }),
  )
})

test('a giant account file is refused', () => {
  writeFileSync(path.join(rootfs, 'etc/group'), Buffer.alloc(ACCOUNT_FILE_LIMIT + 1))
  expect(() => configOf({ user: 'web' })).toThrow()
})
