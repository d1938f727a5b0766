import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Bytes, bytesOf, SlipwayError } from '../core/index.ts'
import { MEDIA } from '../oci/index.ts'
import { all, archiveOf, config, image, item, json, layers, type Member, memory, tarOf, tars } from './archive.suite.ts'
import { copyImage, MemoryRepository, openImageArchive } from './index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-archive-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string): string => path.join(folder, name)

describe('a hostile archive', () => {
  const refused = async (...members: Member[]): Promise<unknown> => {
    const bytes = await tarOf(...members)
    try {
      await using archive = await openImageArchive(bytesOf(bytes))
      for (const { descriptor } of await archive.images()) {
        await copyImage(archive, new MemoryRepository(), { ref: descriptor.digest, select: 'available' })
      }
    } catch (error) {
      return error
    }
    return 'accepted'
  }
  const spoiled = tars[1]!.map((byte, i) => (i === 600 ? byte ^ 1 : byte))

  test.each<[string, Member[], object]>([
    [
      'a config outside',
      [...layers, json(item({ Config: '../../../../etc/passwd' }))],
      { message: /leads out of the arch/ },
    ],
    [
      'a config at the root',
      [...layers, json(item({ Config: '/etc/passwd' }))],
      { message: /no "\/etc\/passwd" in it/ },
    ],
    [
      'a layer outside',
      [config, json(item({ Layers: ['../../x', '/etc/shadow'] }))],
      { message: /leads out of the arch/ },
    ],
    [
      'a layer that is a link outside',
      [config, layers[0]!, ['1/layer.tar', { link: '../../../etc/passwd' }], json(item())],
      { message: /"1\/layer.tar" leads out of the archive/ },
    ],
    [
      'a layer that is a link to the host',
      [config, layers[0]!, ['1/layer.tar', { link: '/etc/passwd' }], json(item())],
      { message: /leads out of the archive/ },
    ],
    [
      'a hard link outside',
      [config, layers[0]!, ['1/layer.tar', { link: '../x', type: 'hardlink' }], json(item())],
      { message: /leads out of the archive/ },
    ],
    [
      'links in a circle',
      [config, layers[0]!, ['1/layer.tar', { link: '../l' }], ['l', { link: '1/layer.tar' }], json(item())],
      { message: /"1\/layer.tar" is a loop of links/ },
    ],
    [
      'a manifest.json that is a link outside',
      [['manifest.json', { link: '/etc/passwd' }]],
      { message: /"manifest.json" leads out/ },
    ],
    ['two manifest.json', [config, ...layers, json(item()), json(item())], { message: /more than once/ }],
    ['two configs', [config, config, ...layers, json(item())], { message: /more than once/ }],
    ['no config', [...layers, json(item())], { message: /there is no "[0-9a-f]{64}.json" in it/ }],
    ['a missing layer', [config, layers[0]!, json(item())], { message: /there is no "1\/layer.tar" in it/ }],
    ['a config of another digest', [[config[0], '{}'], ...layers, json(item())], { code: 'CONTENT_MISMATCH' }],
    [
      'a layer of another digest',
      [config, layers[0]!, ['1/layer.tar', Buffer.from(spoiled)], json(item())],
      { code: 'CONTENT_MISMATCH' },
    ],
    [
      'fewer layers than diff ids',
      [config, ...layers, json(item({ Layers: ['0/layer.tar'] }))],
      { code: 'CONFIG_INVALID', message: /layers length mismatch: expected 2, got 1/ },
    ],
    [
      'a name with traversal',
      [config, ...layers, json(item({ RepoTags: ['../../up:evil'] }))],
      { message: /invalid tag "..\/..\/up:evil"/ },
    ],
    [
      'a name in capitals',
      [config, ...layers, json(item({ RepoTags: ['EVIL/UP:evil'] }))],
      { code: 'ARCHIVE_INVALID' },
    ],
    [
      'a name with an escape',
      [config, ...layers, json(item({ RepoTags: ['x/\x1b[31m:x'] }))],
      { message: /invalid tag "x\/\\u001b\[31m:x"/ },
    ],
    [
      'names that are no list',
      [config, ...layers, json(item({ RepoTags: 'x' }))],
      { message: /RepoTags of item 0 is not a list/ },
    ],
    [
      'layers that are no strings',
      [config, ...layers, json(item({ Layers: [1] }))],
      { message: /Layers of item 0 is not a list/ },
    ],
    ['no Config', [...layers, json({})], { message: /item 0 has no Config/ }],
    ['an item that is no object', [['manifest.json', '[1]']], { message: /item 0 is not an object/ }],
    ['a manifest.json that is no list', [['manifest.json', '{}']], { message: /manifest.json is not a list/ }],
    ['null for a manifest.json', [['manifest.json', 'null']], { message: 'unrecognized image format' }],
    ['a huge manifest.json', [['manifest.json', Buffer.alloc(9 << 20, ' ')]], { message: /larger than 8388608 bytes/ }],
    ['a huge index.json', [['index.json', Buffer.alloc(5 << 20, ' ')]], { message: /larger than 4194304 bytes/ }],
    [
      'a huge config',
      [['c', Buffer.alloc(9 << 20, ' ')], ...layers, json(item({ Config: 'c' }))],
      { message: /"c" is larger than/ },
    ],
    ['a deep manifest.json', [['manifest.json', '['.repeat(100_000)]], { code: 'JSON_INVALID' }],
    ['a file system', [['etc/passwd', 'root']], { message: 'unrecognized image format', hint: /import/ }],
    [
      'an xz layer',
      [config, layers[0]!, ['1/layer.tar', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0])], json(item())],
      { message: /compressed with xz/ },
    ],
    [
      'an index.json with the path of a file for a digest',
      [
        [
          'index.json',
          `{"schemaVersion":2,"manifests":[{"mediaType":"${MEDIA.ociManifest}","size":1,"digest":"sha256:../../x"}]}`,
        ],
      ],
      { code: 'MANIFEST_INVALID' },
    ],
  ])('with %s', async (_name, members, error) => {
    const matchers = Object.entries(error).map(([key, value]) => [
      key,
      value instanceof RegExp ? expect.stringMatching(value) : value,
    ])
    expect(await refused(...members)).toMatchObject({ code: 'ARCHIVE_INVALID', ...Object.fromEntries(matchers) })
  })

  test('that is cut off', async () => {
    const bytes = await tarOf(config, ...layers, json(item()))
    writeFileSync(file('cut.tar'), bytes.subarray(0, bytes.length - 2000))
    const cut = { code: 'TAR_INVALID', message: expect.stringContaining('unexpected EOF') }
    await expect(openImageArchive(file('cut.tar'))).rejects.toMatchObject(cut)
    await expect(openImageArchive(bytesOf(bytes.subarray(0, bytes.length - 2000)))).rejects.toMatchObject(cut)
    const packed = gzipSync(bytes)
    await expect(openImageArchive(bytesOf(packed.subarray(0, packed.length / 2)))).rejects.toMatchObject({
      code: 'COMPRESSION_INVALID',
    })
  })

  test('that is text, nothing, a folder, or not there', async () => {
    await expect(openImageArchive(bytesOf(Buffer.from('hello\n')))).rejects.toMatchObject({ code: 'TAR_INVALID' })
    await expect(openImageArchive(bytesOf())).rejects.toMatchObject({ message: 'unrecognized image format' })
    await expect(openImageArchive(folder)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
    await expect(openImageArchive(file('none'))).rejects.toMatchObject({
      message: `open ${file('none')}: no such file or directory`,
    })
    symlinkSync('/dev/zero', file('zero'))
    await expect(openImageArchive(file('zero'))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
  })

  test('with more members than any archive of images has', async () => {
    const one = await tarOf(['x', ''])
    const header = one.subarray(0, 512)
    const many = async function* (): Bytes {
      for (let i = 0; i < 110; i++) yield Buffer.concat(Array(1000).fill(header))
    }
    await expect(openImageArchive(many())).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('more than 100000 members'),
    })
  })

  test('is not read on when the job is canceled', async () => {
    const stop = new AbortController()
    const bytes = await tarOf(config, ...layers, json(item()))
    const stopping = async function* (): Bytes {
      yield bytes.subarray(0, 1000)
      stop.abort()
      yield bytes.subarray(1000)
    }
    const job = { progress: () => {}, signal: stop.signal }
    await expect(openImageArchive(stopping(), { temporary: folder }, job)).rejects.toMatchObject({ code: 'CANCELED' })
    expect(readdirSync(folder)).toEqual([])
  })

  test('is taken or refused with a code, wherever it is damaged', async () => {
    const from = await memory([...image.layers, image.config, image.manifest], { 'a:1': image.manifest.descriptor })
    const whole = await all(archiveOf('docker', from))
    const damage = fc.tuple(fc.nat(whole.length - 1), fc.nat(255))
    const cut = fc.option(fc.nat(whole.length), { nil: whole.length })
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 4 }), cut, async (damages, length) => {
        const bytes = Buffer.from(whole.subarray(0, length))
        for (const [at, value] of damages) if (at < length) bytes[at] = value
        writeFileSync(file('damaged.tar'), bytes)
        try {
          await using archive = await openImageArchive(file('damaged.tar'))
          for (const { descriptor } of await archive.images()) {
            await copyImage(archive, new MemoryRepository(), { ref: descriptor.digest, select: 'available' })
          }
        } catch (error) {
          if (!(error instanceof SlipwayError)) throw error
        }
      }),
      { numRuns: 300 },
    )
  })
})
