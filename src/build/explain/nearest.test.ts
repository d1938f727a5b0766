import { describe, expect, test } from 'vitest'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { digestFor } from '../fixture.suite.ts'
import { inSamePlace, nearestStep, type PastStep, stageOf } from './nearest.ts'
import type { StepTrace } from './trace.ts'

const past = (label: string, kind = 'run', more: Partial<PastStep> = {}): PastStep => ({
  label,
  kind,
  key: digestFor(label),
  opKey: digestFor(`op ${label}`),
  ...more,
})
const trace = (label: string, kind = 'run'): StepTrace =>
  ({ vertex: { op: { kind } }, label, result: 'miss', opKey: digestFor(`op ${label}`) }) as unknown as StepTrace

test.each([
  ['[2/3] RUN a', ''],
  ['[builder  2/10] RUN a', 'builder'],
  ['[linux/arm64 builder 2/10] RUN a', 'linux/arm64 builder'],
  ['importing', ''],
])('the stage of %j is %j', (label, stage) => {
  expect(stageOf(label)).toBe(stage)
})

describe('the step in the same place', () => {
  const build = [
    past('[a 1/3] RUN one'),
    past('[a 2/3] RUN two'),
    past('[b 2/3] RUN three'),
    past('[a 3/3] COPY x', 'copy'),
  ]

  test.each([
    ['with the same words, wherever it stood', '[a 3/3] RUN one', '[a 1/3] RUN one'],
    ['else with the same number', '[a 2/4] RUN other', '[a 2/3] RUN two'],
    ['never of another stage or kind', '[c 2/3] RUN three', undefined],
    ['nor one with another number and other words', '[a 3/3] RUN other', undefined],
  ])('%s', (_what, label, expected) => {
    expect(inSamePlace(trace(label), build)?.label).toBe(expected)
  })

  test('with the same operation, before all', () => {
    const found = inSamePlace(trace('[a 2/3] RUN two'), [
      past('[a 2/3] RUN two', 'run', { opKey: digestFor('x') }),
      past('[a 9/9] RUN z', 'run', { opKey: digestFor('op [a 2/3] RUN two') }),
    ])
    expect(found?.label).toBe('[a 9/9] RUN z')
  })
})

describe('the nearest step', () => {
  const record = (label: string, more = {}) => ({
    ...{ key: digestFor(label), opKey: digestFor(`op ${label}`), document: {}, diffIds: [], createdAt: 1, label },
    ...more,
  })

  test('is of the latest build that has one which is still remembered', () => {
    const { steps } = temporaryStore()
    steps.save(record('[2/2] RUN older'))
    const builds = [[past('[2/2] RUN gone')], [past('[2/2] RUN older')]]
    expect(nearestStep(trace('[2/2] RUN now'), builds, steps, new Set())?.label).toBe('[2/2] RUN older')
  })

  test('is not of this build', () => {
    const { steps } = temporaryStore()
    steps.save(record('[2/2] RUN x'))
    expect(nearestStep(trace('[2/2] RUN x'), [], steps, new Set([digestFor('[2/2] RUN x')]))).toBeUndefined()
  })

  test('without builds, has the same operation or the same name', () => {
    const { steps } = temporaryStore()
    steps.save(record('[2/2] RUN x', { key: digestFor('1'), opKey: digestFor('another operation') }))
    expect(nearestStep(trace('[2/2] RUN x'), [], steps, new Set())?.key).toBe(digestFor('1'))
    steps.save(record('[2/2] RUN x', { key: digestFor('3'), opKey: digestFor('left'), kind: 'failed', createdAt: 2 }))
    expect(nearestStep(trace('[2/2] RUN x'), [], steps, new Set())?.key).toBe(digestFor('1'))
    steps.save(record('[7/7] RUN y', { key: digestFor('2'), opKey: digestFor('op [2/2] RUN x') }))
    expect(nearestStep(trace('[2/2] RUN x'), [], steps, new Set())?.key).toBe(digestFor('2'))
  })
})
