import { describe, expect, test } from 'vitest'
import { parseChunkRange, parseRange } from './range.ts'

describe('parseRange of 2000 bytes', () => {
  test.each([
    ['bytes=500-1499', { start: 500, end: 1500 }],
    ['bytes=500-', { start: 500, end: 2000 }],
    ['bytes=-500', { start: 1500, end: 2000 }],
    ['bytes=-5000', { start: 0, end: 2000 }],
    ['bytes=1000-5000', { start: 1000, end: 2000 }],
    ['bytes=0-0', { start: 0, end: 1 }],
    ['Bytes=1999-1999', { start: 1999, end: 2000 }],
  ])('%s', (header, range) => expect(parseRange(header, 2000)).toEqual(range))

  test.each([undefined, 'lines=1-2', 'bytes=1-2,4-5', 'bytes=-', 'bytes=a-b', 'bytes'])('%s is the whole', (header) => {
    expect(parseRange(header, 2000)).toBeUndefined()
  })

  test.each(['bytes=500-0', 'bytes=2000-', 'bytes=9999-10000', 'bytes=-0'])('%s cannot be satisfied', (header) => {
    expect(() => parseRange(header, 2000)).toThrow(expect.objectContaining({ status: 416 }))
  })

  test('nothing of an empty blob can be had', () => {
    expect(() => parseRange('bytes=0-', 0)).toThrow(expect.objectContaining({ code: 'RANGE_INVALID' }))
  })
})

describe('parseChunkRange', () => {
  test('is inclusive', () => {
    expect(parseChunkRange('0-0')).toEqual({ start: 0, length: 1 })
    expect(parseChunkRange('10-19')).toEqual({ start: 10, length: 10 })
    expect(parseChunkRange(undefined)).toBeUndefined()
  })

  test.each(['', '5-4', 'bytes 0-1', '0-', '-1', '0-1/2', '0-99999999999999999999'])('refuses %s', (header) => {
    expect(() => parseChunkRange(header)).toThrow(expect.objectContaining({ code: 'RANGE_INVALID', status: 400 }))
  })
})
