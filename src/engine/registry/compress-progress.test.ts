import { expect, test } from 'vitest'
import type { ProgressEvent } from '../../core/index.ts'
import type { LayerRecord } from '../../store/index.ts'
import { compressProgress } from './compress-progress.ts'

const layer = { diffId: `sha256:${'ab'.repeat(32)}`, size: 10 } as LayerRecord

function told(parent: string | undefined, pieces: readonly number[]): ProgressEvent[] {
  const events: ProgressEvent[] = []
  const { passed, end } = compressProgress(layer, parent, { progress: (event) => void events.push(event) })
  for (const bytes of pieces) passed(bytes)
  end()
  return events
}

test('a layer that is compressed is a part of the push, from its first bytes on', () => {
  const task = `compress ${layer.diffId}`
  expect(told('push x', [4, 6])).toEqual([
    { type: 'started', task, name: 'abababababab', parent: 'push x' },
    { type: 'bytes', task, done: 4, total: 10, text: 'Compressing' },
    { type: 'bytes', task, done: 10, total: 10, text: 'Compressed' },
    { type: 'finished', task, result: 'cached' },
  ])
})

test.each<[string, string | undefined, number[]]>([
  ['that is compressed already', 'push x', []],
  ['without a task', undefined, [10]],
])('a layer %s is not heard of', (_what, parent, pieces) => {
  expect(told(parent, pieces)).toEqual([])
})
