import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { silentJob, toByteString } from '../core/index.ts'
import { canRun, hearingJob, openWorkshop, processOf, runStep } from './fixture.suite.ts'

const NEEDS = '(needs root, a runtime, conmon and busybox)'

describe.skipIf(!canRun)(`a keeper ${NEEDS}`, () => {
  test('runs a step, and makes a layer of what it changed', async () => {
    const { store, machine, busybox } = await openWorkshop({ processes: true })
    const [id, job] = ['unit-commit', hearingJob()]
    const folder = path.join(store.layout.runtime, id)
    const mounts = await machine.snapshotter.prepare(id, [{ diffId: busybox }], path.join(folder, 'layers'), job)
    const script = 'echo new > /made; rm /etc/not-a-program; chmod 700 /home; mkfifo /tmp/pipe; echo said'
    const process = processOf({ args: ['sh', '-c', script] })
    const request = { id, task: 'the task', runtime: machine.runtime(), mounts, folder, user: '', process }
    expect(await machine.keeper.call('runStep', request, job)).toEqual({ exitCode: 0 })
    expect(job.events).toEqual([{ type: 'log', task: 'the task', stream: 'stdout', chunk: expect.anything() }])
    const upper = machine.snapshotter.upper(id)
    const files = store.layers.temporary(store.testLease)
    const blobs = path.join(store.layout.root, 'blobs')
    const lower = [store.layout.index(busybox)]
    const summary = await machine.keeper.call('commit', { upper, lower, blobs, files }, silentJob)
    const { diffId } = store.layers.adopt(files, summary, store.testLease)
    const tree = await store.layers.tree([busybox, diffId])
    const at = (name: string) => tree.stat(toByteString(name))
    expect(at('made')).toMatchObject({ kind: 'file', size: 4 })
    expect(at('home')).toMatchObject({ mode: 0o700 })
    expect(at('tmp/pipe')).toMatchObject({ kind: 'fifo' })
    expect(at('etc/not-a-program')).toBeUndefined()
    expect(at('etc/passwd')).toMatchObject({ kind: 'file' })
    machine.snapshotter.remove(id)
  })

  test('a layer that cannot be written leaves no file', async () => {
    const { store, machine, busybox } = await openWorkshop({ processes: true })
    const files = store.layers.temporary(store.testLease)
    const request = { upper: '/nowhere', lower: [store.layout.index(busybox)], blobs: store.layout.root, files }
    await expect(machine.keeper.call('commit', request, silentJob)).rejects.toThrow()
    expect(readdirSync(store.testLease.folder)).toEqual([])
  })

  test('runs steps beside each other', async () => {
    const workshop = await openWorkshop({ processes: true })
    const steps = [1, 2, 3, 4].map((n) => runStep(workshop, { args: ['sh', '-c', `echo ${n}; exit ${n}`] }))
    const answers = await Promise.all(steps)
    expect(answers.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual([1, 2, 3, 4].map((n) => [n, `${n}\n`]))
  })
})
