import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { hearingJob } from '../../container/fixture.suite.ts'
import { canRun, openBusyboxEngine, openTestEngine } from '../fixture.suite.ts'
import type { BuildRequest, Engine } from '../index.ts'

let work: string
beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'slipway-steps-'))
})
afterEach(() => rmSync(work, { recursive: true, force: true }))

const request = (text: string): BuildRequest => ({ context: work, dockerfile: { name: 'Dockerfile', text } })
const build = (engine: Engine, text: string) => engine.build(request(text)).catch((error: unknown) => error)

async function diffOf(engine: Engine, name: string): Promise<string[]> {
  const lines: string[] = []
  for await (const { kind, path } of engine.diff({ name })) lines.push(`${kind} ${path}`)
  return lines
}

describe('a step of an earlier build', () => {
  const text = 'FROM scratch\nCOPY <<E /a\none\nE\nCOPY <<E /d/b\ntwo\nE\n'

  test('is found by its number, in the latest build or in one by id', async () => {
    const { engine } = openTestEngine()
    await build(engine, text)
    const { build: first, step } = engine.builds.step('step:last')
    expect(step).toMatchObject({ kind: 'copy', result: 'done' })
    await build(engine, 'FROM scratch\nCOPY <<E /other\nE\n')
    expect(engine.builds.step(`step:${first.id.slice(0, 6)}/${step.n}`).step).toEqual(step)
    expect(engine.builds.step(`step:^1/last`).step).toEqual(step)
    expect(engine.builds.step('step:last').build.id).not.toBe(first.id)
  })

  test.each([
    ['step:99', 'STEP_UNKNOWN'],
    ['step:', 'STEP_UNKNOWN'],
    ['step:a b', 'STEP_UNKNOWN'],
    ['step:nobuild/1', 'BUILD_NOT_FOUND'],
  ])('%s is no step', async (name, code) => {
    const { engine } = openTestEngine()
    await build(engine, text)
    expect(() => engine.builds.step(name)).toThrow(expect.objectContaining({ code }))
  })

  test('shows what it changed, and gives its files', async () => {
    const { engine } = openTestEngine()
    await build(engine, text)
    expect(await diffOf(engine, 'step:last')).toEqual(['added d', 'added d/b'])
    await engine.copyOut({ name: 'step:last', path: '/d' }, path.join(work, 'out'))
    expect(readFileSync(path.join(work, 'out/b'), 'utf8')).toBe('two\n')
    await engine.copyOut({ name: 'step:last', path: '/a' }, path.join(work, 'out'))
    expect(readFileSync(path.join(work, 'out/a'), 'utf8')).toBe('one\n')
  })

  test('is gone when its layers are', async () => {
    const { engine } = openTestEngine()
    await build(engine, text)
    engine.images.prune({ all: true })
    await engine.cache.prune({ all: true })
    await expect(diffOf(engine, 'step:last')).rejects.toMatchObject({ code: 'STEP_GONE' })
    await expect(engine.builds.stepImage('step:last')).rejects.toMatchObject({ code: 'STEP_GONE' })
  })
})

describe.skipIf(!canRun)('steps with RUN (root, busybox)', () => {
  async function output(engine: Engine, name: string, command: string): Promise<string> {
    const { image, mounts } = await engine.builds.stepImage(name)
    const { id } = engine.containers.create({ image: image.id, mounts, command: ['sh', '-c', command] })
    await engine.containers.start(id)
    await engine.containers.wait(id)
    let text = ''
    for await (const entry of engine.containers.logs(id)) text += entry.text.toString()
    return text
  }

  test('one that failed can be entered as it was left: files, variables, folder, user and mounts', async () => {
    const { engine } = await openBusyboxEngine()
    const text = `FROM busybox AS tools
RUN mkdir /tools && echo tool > /tools/t
FROM busybox
ENV A=1
WORKDIR /w
RUN --mount=type=cache,target=/c echo cached > /c/f
RUN --mount=type=cache,target=/c --mount=from=tools,source=/tools,target=/mnt --mount=type=tmpfs,target=/t \\
  echo half > done && false
`
    expect(await build(engine, text)).toMatchObject({ code: 'RUN_FAILED' })
    expect(engine.builds.step('step:last').step).toMatchObject({ result: 'failed', config: { cwd: '/w' } })
    expect(await diffOf(engine, 'step:last')).toContain('added w/done')
    const seen = await output(
      engine,
      'step:last',
      'pwd; cat done /c/f /mnt/t; echo $A; grep -c " /t tmpfs" /proc/mounts',
    )
    expect(seen).toBe('/w\nhalf\ncached\ntool\n1\n1\n')
  })

  test('secrets are named, not kept', async () => {
    const { engine } = await openBusyboxEngine()
    const text = 'FROM busybox\nRUN --mount=type=secret,id=s cat /run/secrets/s; false\n'
    const secrets = { s: { value: 'hidden-value' } }
    await engine.build({ ...request(text), secrets }, hearingJob()).catch(() => {})
    const { missing, mounts } = await engine.builds.stepImage('step:last')
    expect(missing).toEqual(['secret s'])
    expect(mounts).toEqual([])
  })

  test('the files of a container are copied out while it runs', async () => {
    const { engine } = await openBusyboxEngine()
    const { id } = engine.containers.create({ image: 'busybox', command: ['sh', '-c', 'echo x > /new; sleep 1000'] })
    await engine.containers.start(id)
    await expect.poll(() => output_(engine, id)).toContain('x\n')
    await engine.containers.kill(id, 'KILL')
  })

  async function output_(engine: Engine, name: string): Promise<string> {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of engine.copyOutTar({ name, path: '/new' })) chunks.push(Buffer.from(chunk))
    } catch {
      return ''
    }
    return Buffer.concat(chunks).toString('latin1')
  }
})
