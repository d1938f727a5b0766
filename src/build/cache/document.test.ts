import { describe, expect, test } from 'vitest'
import { digestFor } from '../fixture.suite.ts'
import { type CacheContent, parseCache, writeCache } from './document.ts'

const content: CacheContent = {
  steps: [
    {
      key: digestFor('key'),
      opKey: digestFor('op'),
      document: { operation: { kind: 'run' }, content: { base: 'scratch' } },
      diffIds: [digestFor('layer')],
      createdAt: 1000,
      endedAt: 2000,
      label: '[2/2] RUN x',
      kind: 'run',
    },
  ],
  layers: [{ descriptor: { mediaType: 'a/b', digest: digestFor('blob'), size: 5 }, diffId: digestFor('layer') }],
}

test('what is written is read again', () => {
  expect(parseCache(writeCache(content))).toEqual(content)
})

test('BuildKit finds its fields: layers, and records that point to them', () => {
  const { layers, records } = JSON.parse(writeCache(content).toString()) as Record<string, unknown>
  const annotations = { mediaType: 'a/b', diffID: digestFor('layer'), size: 5 }
  expect(layers).toEqual([{ blob: digestFor('blob'), parent: -1, annotations }])
  const created = { layer: 0, createdAt: '1970-01-01T00:00:01.000Z' }
  expect(records).toEqual([{ digest: digestFor('key'), layers: [created] }])
})

test('a cache of another program has nothing for us', () => {
  expect(parseCache(Buffer.from('{"layers":[],"records":[]}'))).toEqual({ steps: [], layers: [] })
})

describe('what is no cache is refused', () => {
  const whole = JSON.parse(writeCache(content).toString()) as { layers: object[]; slipway: { steps: object[] } }
  const withStep = (change: object): object => ({
    ...whole,
    slipway: { ...whole.slipway, steps: [{ ...whole.slipway.steps[0], ...change }] },
  })
  test.each<[string, unknown]>([
    ['no object', []],
    ['another version', { ...whole, slipway: { version: 2 } }],
    ['no steps', { ...whole, slipway: { version: 1 } }],
    ['no layers', { slipway: whole.slipway }],
    ['a layer without a digest', { ...whole, layers: [{ blob: 'x', annotations: { mediaType: '', size: 1 } }] }],
    ['a layer without a size', { ...whole, layers: [{ blob: digestFor('x'), annotations: { mediaType: '' } }] }],
    ['a key that is none', withStep({ key: '../../etc/passwd' })],
    ['a layer id that is none', withStep({ diffIds: ['../x'] })],
    ['no document', withStep({ document: null })],
    ['no time', withStep({ createdAt: 'now' })],
    ['a time that is none', withStep({ createdAt: 1e300 })],
    ['no label', withStep({ label: 5 })],
  ])('%s', (_what, value) => {
    expect(() => parseCache(Buffer.from(JSON.stringify(value)))).toThrow(
      expect.objectContaining({ code: 'CACHE_INVALID' }),
    )
  })
})
