import { describe, expect, test } from 'vitest'
import { bytesSize, humanSize, parseSize, progressSize } from './sizes.ts'

test.each([
  [0, '0B', '0B', '0B'],
  [487, '487B', '487B', '487B'],
  [1000, '1kB', '1000B', '1.00kB'],
  [1024, '1.024kB', '1KiB', '1.02kB'],
  [1_982_256, '1.982MB', '1.89MiB', '1.98MB'],
  [182_964_289, '183MB', '174.5MiB', '182.96MB'],
  [5_368_709_120, '5.369GB', '5GiB', '5.37GB'],
  [1e30, '1e+06YB', '8.272e+05YiB', '1000000.00YB'],
])('%d bytes', (bytes, human, binary, progress) => {
  expect([humanSize(bytes), bytesSize(bytes), progressSize(bytes)]).toEqual([human, binary, progress])
})

test('lists show three digits', () => {
  expect([humanSize(1_093_000_000, 3), humanSize(7_797_760, 3), humanSize(999_999, 3)]).toEqual([
    '1.09GB',
    '7.8MB',
    '1e+03kB',
  ])
})

describe('parseSize', () => {
  test.each([
    ['64m', 67_108_864],
    ['1.5GB', 1_610_612_736],
    ['1.5 gib', 1_610_612_736],
    ['2KiB', 2048],
    ['10b', 10],
    ['42', 42],
    ['42 ', 42],
    ['.5k', 512],
    ['1e3', 1000],
    ['0', 0],
  ])('%j is %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  test('decimal units are asked for', () => {
    expect(parseSize('1.5GB', 1000)).toBe(1_500_000_000)
  })

  test.each([
    ['', "invalid size: ''"],
    ['xx', "invalid size: 'xx'"],
    ['-1', "invalid size: '-1'"],
    ['1kx', "invalid suffix: 'kx'"],
    ['1Kibibytes', "invalid suffix: 'Kibibytes'"],
    ['1 x', "invalid suffix: 'x'"],
    ['1bb', "invalid suffix: 'bb'"],
    ['1.2.3m', 'strconv.ParseFloat: parsing "1.2.3": invalid syntax'],
    ['64  m', 'strconv.ParseFloat: parsing "64 ": invalid syntax'],
    ['99999999p', "invalid size: '99999999p'"],
  ])('%j is refused', (text, message) => {
    expect(() => parseSize(text)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID', message }))
  })
})
