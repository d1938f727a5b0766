import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { hearingJob } from '../container/fixture.suite.ts'
import { type Digest, fail, type Job, toByteString } from '../core/index.ts'
import { createLayerWriter } from '../layer/index.ts'
import { type TestStore, temporaryStore } from '../store/fixture.suite.ts'
import { openStore } from '../store/index.ts'
import type { CacheSource } from './cache/source.ts'
import { digestFor } from './fixture.suite.ts'
import type { Op, Vertex } from './graph.ts'
import type { KeyPart } from './key-part.ts'
import type { CopyOp } from './ops/copy.ts'
import type { OpRunner, Runners } from './runner.ts'
import { createSolver, type Outcome, type Solver } from './solver.ts'
import { baseLayers, contentKey, type LayerRef, storedLayer, type Value } from './values.ts'

/** A runner of layers with one file each, named as the op's destination; what it does besides is the test's. */
interface Work {
  /** Names of what ran, in order. */
  ran: string[]
  during?: (name: string, job: Job) => Promise<void> | void
  /** What the inputs hold, beside the base. */
  extra?: KeyPart
  commit?: (layer: LayerRef) => LayerRef
}

const ATTRIBUTES = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 1, nanoseconds: 0 } }

function runnersOf(store: TestStore, work: Work): Runners {
  const runner: OpRunner<CopyOp> = {
    kind: 'copy',
    operation: (op) => ({ name: op.dest }),
    content: async (_op, inputs) => ({ base: await contentKey(baseLayers(inputs)), extra: work.extra ?? null }),
    async run(op, inputs, _task, job): Promise<Value> {
      work.ran.push(op.dest)
      await work.during?.(op.dest, job)
      const files = store.layers.temporary(store.testLease)
      const writer = createLayerWriter(files)
      writer.file(toByteString(op.dest), ATTRIBUTES, { bytes: Buffer.from(op.dest) })
      const layer = storedLayer(store.layers.adopt(files, writer.finish(), store.testLease))
      return { kind: 'layers', layers: [...baseLayers(inputs), work.commit?.(layer) ?? layer] }
    },
  }
  const image = {
    kind: 'image',
    shownAs: 'cached',
    operation: () => undefined,
    content: async () => null,
    run: async () => ({ kind: 'layers', layers: [] }),
  }
  return { copy: runner, image } as unknown as Runners
}

const scratch: Vertex = {
  id: digestFor('scratch'),
  op: { kind: 'image', reference: 'scratch', platform: { os: 'linux', architecture: 'amd64' }, diffIds: [] },
  inputs: [],
  label: 'FROM scratch',
}

function step(name: string, inputs: readonly Vertex[] = [scratch], more: Partial<Vertex> = {}): Vertex {
  const op = { kind: 'copy', dest: name } as Op
  return { id: digestFor(`${name} ${inputs.map(({ id }) => id)}`), op, inputs, label: name, ...more }
}

interface Run {
  solver: Solver
  diffIds: Digest[]
  outcomes: (Outcome['result'] | undefined)[]
}

/** Solves in a build of its own; `outcomes` of these vertices. */
async function solve(store: TestStore, work: Work, vertex: Vertex, job: Job = hearingJob(), now = 1): Promise<Run> {
  const solver = createSolver(runnersOf(store, work), store, { now: () => now, lease: store.testLease }, job)
  const value = await solver.solve(vertex)
  await solver.settle()
  const layers = value.kind === 'layers' ? value.layers : []
  const diffIds = (await Promise.all(layers.map((layer) => layer.committed))).map((record) => record.diffId)
  const chain = [vertex, ...vertex.inputs]
  return { solver, diffIds, outcomes: chain.map((each) => solver.outcome(each)?.result) }
}

describe('solving', () => {
  test('does inputs first, and each vertex once', async () => {
    const work: Work = { ran: [] }
    const shared = step('shared')
    await solve(temporaryStore(), work, step('last', [step('a', [shared]), step('b', [shared])]))
    expect(work.ran[0]).toBe('shared')
    expect(work.ran.at(-1)).toBe('last')
    expect([...work.ran].sort()).toEqual(['a', 'b', 'last', 'shared'])
  })

  test('does inputs that are independent at the same time', async () => {
    const there = new Set<string>()
    const during = async (name: string): Promise<void> => {
      there.add(name)
      // one after the other, the first would wait forever
      if (name !== 'last') while (there.size < 3) await sleep(1)
    }
    const inputs = ['a', 'b', 'c'].map((name) => step(name))
    await solve(temporaryStore(), { ran: [], during }, step('last', inputs))
    expect(there.size).toBe(4)
  })

  test('announces vertices with their inputs, and how they ended', async () => {
    const job = hearingJob()
    const a = step('a')
    await solve(temporaryStore(), { ran: [] }, a, job)
    expect(job.events).toEqual([
      { type: 'started', task: scratch.id, name: 'FROM scratch', inputs: [] },
      { type: 'finished', task: scratch.id, result: 'cached' },
      { type: 'started', task: a.id, name: 'a', inputs: [scratch.id] },
      { type: 'finished', task: a.id, result: 'done' },
    ])
  })

  test('says nothing of a vertex without a label', async () => {
    const job = hearingJob()
    await solve(temporaryStore(), { ran: [] }, step('a', [{ ...scratch, label: '' }], { label: '' }), job)
    expect(job.events).toEqual([])
  })

  test('a failure ends the build with the place of the vertex, and nothing after it runs', async () => {
    const job = hearingJob()
    const source = { name: 'Dockerfile', text: 'x' }
    const span = { source, line: 3, column: 1, endLine: 3, endColumn: 2 }
    const during = (name: string): void => {
      if (name === 'bad') throw fail('RUN_FAILED', 'it did not work')
    }
    const work: Work = { ran: [], during }
    const bad = step('bad', [scratch], { span })
    const failing = solve(temporaryStore(), work, step('after', [bad]), job)
    await expect(failing).rejects.toMatchObject({ code: 'RUN_FAILED', span: { line: 3 } })
    expect(work.ran).toEqual(['bad'])
    expect(job.events.at(-1)).toEqual({ type: 'finished', task: bad.id, result: 'failed', error: 'it did not work' })
  })

  test('stops when the job is stopped', async () => {
    const controller = new AbortController()
    const work: Work = { ran: [], during: () => controller.abort() }
    const stopped = solve(temporaryStore(), work, step('b', [step('a')]), hearingJob(controller.signal))
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELED' })
    expect(work.ran).toEqual(['a'])
  })
})

describe('the cache', () => {
  const chain = step('b', [step('a')])

  test('answers in the next build, with the layers and the time of the first', async () => {
    const store = temporaryStore()
    const first = await solve(store, { ran: [] }, chain, hearingJob(), 100)
    const work: Work = { ran: [] }
    const second = await solve(store, work, chain, hearingJob(), 200)
    expect(work.ran).toEqual([])
    expect(second.outcomes).toEqual(['cached', 'cached'])
    expect(second.diffIds).toEqual(first.diffIds)
    expect(second.solver.outcome(chain)).toEqual({ result: 'cached', createdAt: 100 })
  })

  test('is lost where the operation, the content or the base differ', async () => {
    const store = temporaryStore()
    await solve(store, { ran: [] }, chain)
    const work: Work = { ran: [], extra: 'other content' }
    await solve(store, work, chain)
    expect(work.ran).toEqual(['a', 'b'])
    const other: Work = { ran: [] }
    await solve(store, other, step('b', [step('c')]))
    expect(other.ran).toEqual(['c', 'b'])
  })

  test('comes back below a step that is done again with the same result', async () => {
    const store = temporaryStore()
    await solve(store, { ran: [] }, chain)
    const work: Work = { ran: [] }
    await solve(store, work, step('b', [step('a', [scratch], { ignoreCache: true })]))
    expect(work.ran).toEqual(['a'])
  })

  test('is not asked for what must be done again, but is told', async () => {
    const store = temporaryStore()
    const anew = step('a', [scratch], { ignoreCache: true })
    for (const expected of [1, 2]) {
      const work: Work = { ran: [] }
      await solve(store, work, anew, hearingJob(), expected)
      expect(work.ran).toEqual(['a'])
    }
    const { solver } = await solve(store, { ran: [] }, step('a'))
    expect(solver.outcome(step('a'))).toEqual({ result: 'cached', createdAt: 2 })
  })

  test('without its layers is none, and is forgotten', async () => {
    const store = temporaryStore()
    const { diffIds } = await solve(store, { ran: [] }, step('a'))
    const [record] = store.steps.ofOperation(digestFor(JSON.stringify({ name: 'a' })))
    store.steps.save({ ...record!, diffIds: [digestFor('a layer that is gone')] })
    const work: Work = { ran: [] }
    expect((await solve(store, work, step('a'))).diffIds).toEqual(diffIds)
    expect(work.ran).toEqual(['a'])
  })

  test('keeps the whole key document', async () => {
    const store = temporaryStore()
    await solve(store, { ran: [], extra: [1, { a: null }] }, step('a'))
    const [record] = store.steps.ofOperation(digestFor(JSON.stringify({ name: 'a' })))
    expect(record!.document).toEqual({
      operation: { name: 'a' },
      content: { base: 'scratch', extra: [1, { a: null }] },
    })
  })

  test('is only told when the layer has reached the store', async () => {
    const store = temporaryStore()
    let arrive = (): void => {}
    const arrival = new Promise<void>((resolve) => {
      arrive = resolve
    })
    const commit = (layer: LayerRef): LayerRef => ({ committed: arrival.then(() => layer.committed) })
    const runners = runnersOf(store, { ran: [], commit })
    const solver = createSolver(runners, store, { now: () => 1, lease: store.testLease }, hearingJob())
    await solver.solve(step('a'))
    const key = digestFor(JSON.stringify({ name: 'a' }))
    expect(store.steps.knowsOperation(key)).toBe(false)
    arrive()
    await solver.settle()
    expect(store.steps.knowsOperation(key)).toBe(true)
  })

  test('a layer that cannot be stored fails the build when it settles', async () => {
    const store = temporaryStore()
    const commit = (): LayerRef => {
      const committed = Promise.reject(fail('INTERNAL', 'the disk is full'))
      committed.catch(() => {})
      return { committed }
    }
    const runners = runnersOf(store, { ran: [], commit })
    const solver = createSolver(runners, store, { now: () => 1, lease: store.testLease }, hearingJob())
    await solver.solve(step('a'))
    await expect(solver.settle()).rejects.toThrow('the disk is full')
  })
})

describe('steps at the same time', () => {
  test('are no more than the given number', async () => {
    const store = temporaryStore()
    let [now, most] = [0, 0]
    const during = async (): Promise<void> => {
      most = Math.max(most, ++now)
      await sleep(5)
      now--
    }
    const inputs = ['a', 'b', 'c', 'd', 'e'].map((name) => step(name))
    const options = { now: () => 1, lease: store.testLease, parallelism: 2 }
    const solver = createSolver(runnersOf(store, { ran: [], during }), store, options, hearingJob())
    await solver.solve(step('last', inputs))
    await solver.settle()
    expect(most).toBe(2)
  })

  test('of two builds are done once when they are the same', async () => {
    const store = temporaryStore()
    const other = openStore(store.root)
    const work: Work = { ran: [], during: () => sleep(30) }
    const chain = step('c', [step('b', [step('a')])])
    const job = hearingJob()
    const [first, second] = await Promise.all([
      solve(store, work, chain),
      solve({ ...other, root: store.root, testLease: store.testLease }, work, chain, job),
    ])
    expect(work.ran).toEqual(['a', 'b', 'c'])
    expect(second.diffIds).toEqual(first.diffIds)
    expect([...first.outcomes, ...second.outcomes].sort()).toEqual(['cached', 'cached', 'done', 'done'])
    other[Symbol.dispose]()
  })

  test('are done by the second build when the first one fails', async () => {
    const store = temporaryStore()
    let tries = 0
    const during = async (): Promise<void> => {
      await sleep(20)
      if (++tries === 1) throw fail('INTERNAL', 'the first one fails')
    }
    const [first, second] = await Promise.allSettled([1, 2].map(() => solve(store, { ran: [], during }, step('a'))))
    expect([first?.status, second?.status].sort()).toEqual(['fulfilled', 'rejected'])
    expect(tries).toBe(2)
  })

  test('do not wait for each other when the cache is not to be asked', async () => {
    const store = temporaryStore()
    let there = 0
    const during = async (): Promise<void> => {
      there++
      while (there < 2) await sleep(1)
    }
    const anew = step('a', [scratch], { ignoreCache: true })
    await Promise.all([1, 2].map(() => solve(store, { ran: [], during }, anew)))
    expect(there).toBe(2)
  })
})

describe('what is told of the steps', () => {
  test('their order is that of the graph, their keys are those of the cache', async () => {
    const store = temporaryStore()
    await solve(store, { ran: [] }, step('a'))
    const { solver } = await solve(store, { ran: [] }, step('last', [step('b', [step('a')]), step('c')]))
    const traces = solver.traces()
    expect(traces.map(({ label, result }) => [label, result])).toEqual([
      ['FROM scratch', 'hit'],
      ['a', 'hit'],
      ['b', 'miss'],
      ['c', 'miss'],
      ['last', 'miss'],
    ])
    for (const { key, opKey } of traces.slice(1)) expect(store.steps.get(key!)?.opKey).toBe(opKey)
  })

  test('a step that failed is told, and what came before it', async () => {
    const store = temporaryStore()
    const during = (name: string): void => {
      if (name === 'b') throw fail('INTERNAL', 'no')
    }
    const solver = createSolver(
      runnersOf(store, { ran: [], during }),
      store,
      { now: () => 1, lease: store.testLease },
      hearingJob(),
    )
    await expect(solver.solve(step('c', [step('b', [step('a')])]))).rejects.toThrow()
    await solver.settle()
    expect(solver.traces().map(({ label, result }) => [label, result])).toEqual([
      ['FROM scratch', 'hit'],
      ['a', 'miss'],
      ['b', 'failed'],
    ])
  })

  test('that the cache had it once', async () => {
    const store = temporaryStore()
    const first = await solve(store, { ran: [] }, step('a'))
    store.steps.forget(first.solver.traces()[1]!.key!, 'pruned')
    const { solver } = await solve(store, { ran: [] }, step('a'))
    expect(solver.traces()[1]).toMatchObject({ result: 'miss', evicted: { reason: 'pruned' } })
  })
})

describe('a cache from elsewhere', () => {
  test('is asked for what the store does not have, and brings it there', async () => {
    const elsewhere = temporaryStore()
    await solve(elsewhere, { ran: [] }, step('a'))
    const store = temporaryStore()
    await solve(store, { ran: [] }, step('other'))
    const brought: Digest[] = []
    const source: CacheSource = {
      knowsOperation: (opKey) => elsewhere.steps.knowsOperation(opKey),
      async bring(key) {
        const record = elsewhere.steps.get(key)
        if (!record) return false
        brought.push(key)
        await solve(store, { ran: [] }, step('a')) // the layer comes into the store, and the step with it
        return true
      },
    }
    const options = { now: () => 1, lease: store.testLease, sources: [source] }
    const work: Work = { ran: [] }
    const solver = createSolver(runnersOf(store, work), store, options, hearingJob())
    await solver.solve(step('b', [step('a')]))
    await solver.settle()
    expect(brought).toHaveLength(1)
    expect(work.ran).toEqual(['b'])
    expect(solver.outcome(step('a'))?.result).toBe('cached')
  })
})
