import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { silentJob } from '../core/index.ts'
import { isRoot, temporaryFolder } from '../host/child.suite.ts'
import { temporaryStore } from '../store/fixture.suite.ts'
import { canRun, openWorkshop, RUNTIMES } from './fixture.suite.ts'
import { openMachine } from './machine.ts'
import { runtimesFingerprint } from './probe.ts'

describe.skipIf(!canRun)('a machine (needs root, a runtime, conmon and busybox)', () => {
  test('finds out what it can do by trying, once, and leaves nothing', async () => {
    const store = temporaryStore()
    await using first = await openMachine(store, { processes: true }, silentJob)
    expect(RUNTIMES).toContain(first.facts.runtime)
    expect(first.facts.erofs.works || first.facts.erofs.reason).toBeTruthy()
    expect(first.runtime()).toMatchObject({ program: first.facts.runtime, cgroup: store.layout.cgroup })
    await using second = await openMachine(store, { processes: true }, silentJob)
    expect(second.facts).toEqual(first.facts)
    expect(existsSync(store.layout.runtime) ? readdirSync(store.layout.runtime) : []).toEqual([])
  })

  test('chooses the store’s way to keep snapshots by it', async () => {
    const { machine } = await openWorkshop({ processes: true })
    expect(machine.snapshotter.kind).toBe(machine.facts.erofs.works ? 'erofs' : 'directory')
  })

  test('its keeper ends with it', async () => {
    const { machine } = await openWorkshop({ processes: true })
    const folder = path.join(temporaryFolder(), 'probe')
    await machine.keeper.call('probe', { folder, id: `unit-k${process.pid}`, cgroup: '/slipway' }, silentJob)
    expect(existsSync(folder)).toBe(false)
    await machine[Symbol.asyncDispose]()
    const after = machine.keeper.call('probe', { folder, id: 'x', cgroup: '/slipway' }, silentJob)
    await expect(after).rejects.toMatchObject({ code: 'INTERNAL' })
  })
})

test.skipIf(isRoot)('only root may run processes in images (needs another user)', async () => {
  const opening = openMachine(temporaryStore(), { processes: true }, silentJob)
  await expect(opening).rejects.toMatchObject({ code: 'ROOT_NEEDED' })
})

test('facts are asked anew when runtimes come and go', () => {
  const { PATH } = process.env
  const folder = temporaryFolder()
  const before = runtimesFingerprint()
  expect(runtimesFingerprint()).toBe(before)
  writeFileSync(`${folder}/crun`, '', { mode: 0o755 })
  try {
    process.env['PATH'] = `${folder}:${PATH}`
    expect(runtimesFingerprint()).not.toBe(before)
  } finally {
    process.env['PATH'] = PATH
  }
})
