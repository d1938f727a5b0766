import { describe, expect, test } from 'vitest'
import { createIndex, type Descriptor, type Index, MEDIA, parsePlatform, writeIndex } from '../../oci/index.ts'
import { combineIndex, type Ingredient } from './combine.ts'

const digest = (letter: string): Descriptor['digest'] => `sha256:${letter.repeat(64)}`

function manifest(letter: string, platform: string, more: Partial<Descriptor> = {}): Descriptor {
  return { mediaType: MEDIA.ociManifest, digest: digest(letter), size: 10, platform: parsePlatform(platform), ...more }
}

const single = (descriptor: Descriptor): Ingredient => ({ descriptor, bytes: Buffer.from('{"schemaVersion":2}') })
const index = (...entries: Descriptor[]): Ingredient => writeIndex(createIndex(entries))
const read = ({ bytes }: { bytes: Buffer }): Index => JSON.parse(bytes.toString()) as Index
const digests = (made: { bytes: Buffer }): string[] => read(made).manifests.map((entry) => entry.digest[7]!)

const [amd, arm] = [manifest('a', 'linux/amd64'), manifest('b', 'linux/arm64')]
const statement = manifest('c', 'linux/amd64', {
  platform: { os: 'unknown', architecture: 'unknown' },
  annotations: { 'vnd.docker.reference.digest': arm.digest, 'vnd.docker.reference.type': 'attestation-manifest' },
})

describe('indexes of indexes', () => {
  test('have each entry once, in the order of the sources', () => {
    expect(digests(combineIndex([index(amd, arm), single(amd), index(statement)], {}))).toEqual(['a', 'b', 'c'])
  })

  test('what a later source says of an entry counts', () => {
    const later = { ...amd, platform: parsePlatform('linux/riscv64'), annotations: { x: 'y' } }
    const [entry] = read(combineIndex([single({ ...amd, annotations: { a: 'b' } }), single(later)], {})).manifests
    expect(entry).toMatchObject({ platform: { architecture: 'riscv64' }, annotations: { a: 'b', x: 'y' } })
  })

  test('a single index stays as it is, byte for byte; a manifest does if that is preferred', () => {
    const whole = index(amd, arm)
    expect(combineIndex([whole], {}).bytes).toBe(whole.bytes)
    expect(combineIndex([single(amd)], { preferIndex: false }).bytes.toString()).toBe('{"schemaVersion":2}')
    expect(digests(combineIndex([single(amd)], {}))).toEqual(['a'])
  })

  test('some platforms, with what is attached to them', () => {
    const platforms = [parsePlatform('linux/arm64')]
    expect(digests(combineIndex([index(amd, arm, statement)], { platforms }))).toEqual(['b', 'c'])
    const other = { platforms: [parsePlatform('linux/s390x')] }
    expect(() => combineIndex([index(amd, arm)], other)).toThrow('none of the manifests match the provided platforms')
    // a machine of amd64 could run 386, but that is not what was asked for
    const old = manifest('d', 'linux/386')
    expect(digests(combineIndex([index(amd, old)], { platforms: [parsePlatform('linux/amd64')] }))).toEqual(['a'])
  })

  test("Docker's list for Docker's manifests alone", () => {
    const docker = manifest('d', 'linux/386', { mediaType: MEDIA.dockerManifest })
    expect(combineIndex([single(docker)], {}).descriptor.mediaType).toBe(MEDIA.dockerList)
    expect(combineIndex([single(docker), single(amd)], {}).descriptor.mediaType).toBe(MEDIA.ociIndex)
  })

  test('annotations of the index and of its entries', () => {
    const made = combineIndex([index(amd, arm)], {
      annotations: [
        { on: 'index', key: 'a', value: 'b' },
        { on: 'manifest-descriptor', platform: parsePlatform('linux/arm64'), key: 'c', value: 'd' },
      ],
    })
    expect(read(made)).toMatchObject({ annotations: { a: 'b' }, manifests: [{}, { annotations: { c: 'd' } }] })
    expect(read(made).manifests[0]).not.toHaveProperty('annotations')
  })

  test.each(['manifest', 'index-descriptor'] as const)('annotations of kind %s have no place', (on) => {
    const annotations = [{ on, key: 'a', value: 'b' }]
    expect(() => combineIndex([index(amd)], { annotations })).toThrow(/annotations are not supported/)
  })
})
