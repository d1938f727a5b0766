import { describe, expect, test } from 'vitest'
import { checkCanceled, type Job, type ProgressEvent, runTask, silentJob } from './progress.ts'

function hearing(signal?: AbortSignal): Job & { events: ProgressEvent[] } {
  const events: ProgressEvent[] = []
  return { events, progress: (event) => void events.push(event), ...(signal ? { signal } : {}) }
}

describe('a task', () => {
  test('says when it starts and how it ends, and gives its result', async () => {
    const job = hearing()
    expect(await runTask(job, { id: 't', name: 'task', parent: 'p' }, async () => 7)).toBe(7)
    expect(job.events).toEqual([
      { type: 'started', task: 't', name: 'task', parent: 'p' },
      { type: 'finished', task: 't', result: 'done' },
    ])
  })

  test('that fails says why', async () => {
    const job = hearing()
    const failing = runTask(job, { id: 't', name: 'task' }, async () => Promise.reject(new Error('broken')))
    await expect(failing).rejects.toThrow('broken')
    expect(job.events.at(-1)).toEqual({ type: 'finished', task: 't', result: 'failed', error: 'broken' })
  })

  test('that was stopped has not failed', async () => {
    const stop = new AbortController()
    const job = hearing(stop.signal)
    const stopped = runTask(job, { id: 't', name: 'task' }, async () => {
      stop.abort()
      checkCanceled(job)
    })
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELED', fault: 'canceled' })
    expect(job.events.at(-1)).toMatchObject({ result: 'canceled' })
  })
})

test('a job without a signal is never stopped', () => {
  expect(() => checkCanceled(silentJob)).not.toThrow()
})
