import { describe, expect, test } from 'vitest'
import { archive, forge, forgePax, padded } from './forge.suite.ts'
import { oldGnu, read } from './read-all.suite.ts'

describe('sparse files', () => {
  const content = `${'\0'.repeat(512)}${'a'.repeat(512)}${'\0'.repeat(1024)}bb${'\0'.repeat(98)}`
  const data = `${'a'.repeat(512)}bb`
  const segments = [
    { start: 512, length: 512, offset: 0 },
    { start: 2048, length: 2, offset: 512 },
  ]
  const expected = { name: 's', type: 'file', size: content.length, sparse: segments, content }

  test.each([
    [
      '0.0',
      [
        forge(
          { name: 'pax', flag: 'x' },
          paxBody([
            ['GNU.sparse.size', '2148'],
            ['GNU.sparse.numblocks', '2'],
            ['GNU.sparse.offset', '512'],
            ['GNU.sparse.numbytes', '512'],
            ['GNU.sparse.offset', '2048'],
            ['GNU.sparse.numbytes', '2'],
          ]),
        ),
        forge({ name: 's' }, data),
      ],
    ],
    [
      '0.1',
      [
        forgePax({ 'GNU.sparse.size': '2148', 'GNU.sparse.name': 's', 'GNU.sparse.map': '512,512,2048,2' }),
        forge({ name: 'GNUSparseFile/s' }, data),
      ],
    ],
    [
      '1.0',
      [
        forgePax({
          'GNU.sparse.major': '1',
          'GNU.sparse.minor': '0',
          'GNU.sparse.name': 's',
          'GNU.sparse.realsize': '2148',
        }),
        forge({ name: 'GNUSparseFile/s' }, Buffer.concat([padded('2\n512\n512\n2048\n2\n'), Buffer.from(data)])),
      ],
    ],
    ['old GNU', [oldGnu('s', 2148, [512, 512, 2048, 2], data)]],
  ])('format %s', async (_name, parts) => {
    const tar = archive(...parts, forge({ name: 'after' }, 'x'))
    for (const chunk of [1, 100, 512, tar.length]) {
      const entries = await read(tar, {}, chunk)
      expect(entries).toMatchObject([expected, { name: 'after', content: 'x' }])
    }
  })

  test('a map longer than one header, in both GNU formats', async () => {
    const starts = Array.from({ length: 60 }, (_, i) => i * 1024)
    const map = starts.flatMap((start) => [start, 512])
    const body = starts.map((_, i) => String.fromCharCode(65 + (i % 26)).repeat(512)).join('')
    const text = padded(`60\n${map.join('\n')}\n`)
    const sizes = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '61440' }
    const [old, pax] = await read(
      archive(
        oldGnu('s', 61440, map, body),
        forgePax(sizes),
        forge({ name: 's' }, Buffer.concat([text, Buffer.from(body)])),
      ),
    )
    expect(old!.sparse).toHaveLength(60)
    expect(pax!.sparse).toEqual(old!.sparse)
    expect(pax!.content).toBe(old!.content)
    expect(old!.content.slice(1024, 1026)).toBe('BB')
  })

  test.each([
    ['overlap', '0,10,5,10', '100', /overlap/],
    ['run backwards', '50,10,0,10', '100', /overlap/],
    ['leave the file', '0,10,95,10', '100', /leave the file/],
    ['need more than is stored', '0,40', '100', /fewer bytes/],
    ['are odd', '0,10,20', '100', /odd number/],
    ['are not numbers', '0,x', '100', /not a number/],
    ['are negative', '0,-5', '100', /not a number/],
    ['are huge', '0,99999999999999999999', '100', /not a number/],
    ['belong to no size', '0,10', '', /size is missing/],
  ])('maps that %s are refused', async (_what, map, size, message) => {
    const tar = archive(
      forgePax({ 'GNU.sparse.map': map, 'GNU.sparse.size': size }),
      forge({ name: 's' }, 'x'.repeat(20)),
    )
    await expect(read(tar)).rejects.toThrow(message)
  })

  test('a text map that never ends', async () => {
    const sizes = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '100' }
    const digits = archive(forgePax(sizes), forge({ name: 's' }, '1'.repeat(4096)))
    await expect(read(digits)).rejects.toThrow(/line is too long/)
    const short = archive(forgePax(sizes), forge({ name: 's' }, padded('9\n1\n1\n')))
    await expect(read(short)).rejects.toThrow(/leaves the entry/)
  })
})

function paxBody(records: [string, string][]): string {
  return records
    .map(([key, value]) =>
      forgePax({ [key]: value })
        .toString('latin1', 512)
        .replace(/\0+$/, ''),
    )
    .join('')
}
