import { describe, expect, test } from 'vitest'
import { digestOf } from '../core/index.ts'
import {
  type Descriptor,
  formatPlatform,
  hostPlatform,
  type Index,
  isAttestation,
  MEDIA,
  matchesPlatform,
  normalizePlatform,
  parsePlatform,
  selectManifest,
} from './index.ts'

const host = { os: 'linux', architecture: 'amd64' }
const parsed = (text: string): string => formatPlatform(parsePlatform(text, host))

// answers of Docker 28.5, shown as BuildKit normalises them
test.each([
  ['linux/amd64', 'linux/amd64'],
  ['LINUX/AMD64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['x86-64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm64/8', 'linux/arm64'],
  ['linux/arm64/v8.0', 'linux/arm64'],
  ['linux/arm64/v8.2', 'linux/arm64/v8.2'],
  ['linux/arm64/v9.0', 'linux/arm64/v9'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/6', 'linux/arm/v6'],
  ['armhf', 'linux/arm/v7'],
  ['armel', 'linux/arm/v6'],
  ['i386', 'linux/386'],
  ['linux', 'linux/amd64'],
  ['macos/arm64', 'darwin/arm64'],
  ['windows', 'windows/amd64'],
  ['windows(10.0.17763)/amd64', 'windows(10.0.17763)/amd64'],
  ['windows(10.0.17763+win32k)/amd64', 'windows(10.0.17763+win32k)/amd64'],
  ['linux/foo', 'linux/foo'],
  ['freebsd/riscv64', 'freebsd/riscv64'],
])('%s is %s', (text, platform) => {
  expect(parsed(text)).toBe(platform)
})

test.each([
  ['foo', '"foo": unknown operating system or architecture'],
  ['linux/*', '"linux/*": wildcards not yet supported'],
  ['linux/arm/v5/x', '"linux/arm/v5/x": cannot parse platform specifier'],
  ['lin ux/a', '"lin ux" is an invalid OS component of "lin ux/a"'],
  [
    'linux/am d64',
    '"am d64" is an invalid component of "linux/am d64": platform specifier component must match "^[A-Za-z0-9_.-]+$": invalid argument',
  ],
  ['', '"" is an invalid OS component of ""'],
  ['linux/', '"" is an invalid component of "linux/"'],
  ['linux(%zz)/amd64', 'percent-encoded'],
  ['linux,amd64', 'is an invalid OS component'],
])('%j is refused in the words of Docker', (text, message) => {
  expect(() => parsePlatform(text, host)).toThrow(message)
})

test('the host has a platform of its own', () => {
  expect(hostPlatform()).toEqual(normalizePlatform(hostPlatform()))
  expect(hostPlatform().os).toBe('linux')
  expect(parsePlatform('linux')).toEqual(hostPlatform())
})

test('fields beside os and architecture survive', () => {
  const platform = { os: 'Windows', architecture: 'x86_64', 'os.version': '10.0.1', 'os.features': ['win32k'] }
  expect(normalizePlatform(platform)).toEqual({ ...platform, os: 'windows', architecture: 'amd64' })
  expect(formatPlatform({ os: '', architecture: '' })).toBe('unknown')
})

describe('what a machine runs', () => {
  test.each([
    ['linux/amd64', 'linux/amd64', true],
    ['linux/amd64', 'linux/386', true],
    ['linux/amd64', 'linux/amd64/v2', false],
    ['linux/amd64/v3', 'linux/amd64/v2', true],
    ['linux/amd64/v3', 'linux/amd64', true],
    ['linux/arm64', 'linux/arm64/v8', true],
    ['linux/arm64', 'linux/arm/v7', true],
    ['linux/arm64/v9', 'linux/arm64/v8.5', true],
    ['linux/arm64/v9', 'linux/arm64/v8.6', false],
    ['linux/arm64/v9.2', 'linux/arm64/v9', true],
    ['linux/arm/v7', 'linux/arm/v6', true],
    ['linux/arm/v6', 'linux/arm/v7', false],
    ['linux/arm', 'linux/arm64', false],
    ['linux/amd64', 'windows/amd64', false],
    ['windows(10.0.17763.1)/amd64', 'windows(10.0.17763.99)/amd64', true],
    ['windows(10.0.17763.1)/amd64', 'windows(10.0.20348.1)/amd64', false],
  ])('%s runs %s: %s', (machine, offered, expected) => {
    expect(matchesPlatform(parsePlatform(machine, host), parsePlatform(offered, host))).toBe(expected)
  })
})

describe('choice out of an index', () => {
  const entry = (name: string, platform?: string, more: Partial<Descriptor> = {}): Descriptor => {
    const of = platform === undefined ? {} : { platform: parsePlatform(platform, host) }
    return { mediaType: MEDIA.ociManifest, digest: digestOf(name), size: 1, ...of, ...more }
  }
  const index = (...manifests: Descriptor[]): Index => ({ schemaVersion: 2, manifests })
  const chosen = (platform: string, ...entries: Descriptor[]): number =>
    entries.indexOf(selectManifest(index(...entries), parsePlatform(platform, host)))

  test('the best match wins, not the first', () => {
    expect(chosen('linux/arm/v7', entry('a', 'linux/arm/v5'), entry('b', 'linux/arm/v7'))).toBe(1)
    expect(chosen('linux/amd64', entry('a', 'linux/386'), entry('b', 'linux/amd64'))).toBe(1)
    expect(chosen('linux/amd64/v4', entry('a', 'linux/amd64'), entry('b', 'linux/amd64/v3'))).toBe(1)
  })

  test('the first of equals wins', () => {
    expect(chosen('linux/amd64', entry('a', 'linux/amd64'), entry('b', 'linux/amd64/v1'))).toBe(0)
  })

  test('an attestation is never chosen', () => {
    const attestation = entry('a', undefined, { platform: { os: 'unknown', architecture: 'unknown' } })
    expect(isAttestation(attestation)).toBe(true)
    const annotated = entry('b', 'linux/amd64', {
      annotations: { 'vnd.docker.reference.type': 'attestation-manifest' },
    })
    expect(chosen('linux/amd64', attestation, annotated, entry('c', 'linux/amd64'))).toBe(2)
    expect(() => chosen('unknown/unknown', attestation)).toThrow('no matching manifest')
  })

  test('an entry without a platform is the last resort', () => {
    const nested = entry('a', undefined, { mediaType: MEDIA.ociIndex })
    expect(chosen('linux/amd64', nested, entry('b', 'linux/amd64'))).toBe(1)
    expect(chosen('linux/amd64', nested, entry('b', 'linux/arm64'))).toBe(0)
    const signature = entry('a', undefined, { artifactType: 'application/vnd.example' })
    expect(() => chosen('linux/amd64', signature)).toThrow('no matching manifest')
  })

  test('no match says so in the words of Docker, and what there is', () => {
    expect(() => chosen('linux/s390x', entry('a', 'linux/arm64'), entry('b', 'linux/amd64'))).toThrow(
      expect.objectContaining({
        code: 'PLATFORM_NOT_FOUND',
        message: 'no matching manifest for linux/s390x in the manifest list entries',
        hint: 'The image has linux/arm64, linux/amd64; choose one with --platform.',
      }),
    )
    expect(() => chosen('linux/s390x')).toThrow(expect.objectContaining({ hint: undefined }))
  })
})
