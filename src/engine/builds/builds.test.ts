import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { silentJob } from '../../core/index.ts'
import { parseIndex, parseManifest } from '../../oci/index.ts'
import { canRun, openBusyboxEngine, openTestEngine } from '../fixture.suite.ts'
import type { LoggedEvent } from '../index.ts'
import { BuildLogWriter, readBuildLog } from './log.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function contextOf(files: Record<string, string>): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-builds-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
  return folder
}

async function all(log: AsyncIterable<LoggedEvent>): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = []
  for await (const event of log) events.push(event)
  return events
}

test('a build is called what BUILDKIT_BUILD_NAME says', async () => {
  const { engine } = openTestEngine()
  const context = contextOf({ Dockerfile: 'FROM scratch\nENV A=1\n' })
  const { record } = await engine.build({ context, buildArgs: { BUILDKIT_BUILD_NAME: 'nightly' } })
  expect(record.name).toBe('nightly')
})

test('a build is remembered with its steps, and the next one with what was cached', async () => {
  const { engine, store } = openTestEngine()
  const context = contextOf({ Dockerfile: 'FROM scratch\nENV A=1\nWORKDIR /w\nUSER 7\nCOPY x y\n', x: 'text' })
  const request = { context, tags: ['app'], buildArgs: { API_TOKEN: 'hush', LEVEL: '3' }, labels: { l: '1' } }
  const first = await engine.build(request)
  const second = await engine.build(request)
  const [latest, earlier] = engine.builds.list()
  expect(engine.builds.inspect(first.record.id)).toEqual(first.record)
  expect(latest).toEqual(second.record)
  expect(earlier).toEqual(first.record)
  expect(first.record).toMatchObject({
    name: path.basename(context),
    status: 'completed',
    context,
    dockerfile: 'Dockerfile',
    tags: ['docker.io/library/app:latest'],
    buildArgs: { API_TOKEN: '***', LEVEL: '3' },
    labels: { l: '1' },
    image: first.id,
    digest: first.digest,
    cachedSteps: 0,
    totalSteps: 3,
  })
  const [scratch, folder, files, copy] = first.record.steps
  expect(scratch).toMatchObject({ n: 1, kind: 'image', label: '', inputs: [], diffIds: [], result: 'done' })
  expect(folder).toMatchObject({ kind: 'folder', inputs: [1], result: 'done', config: { cwd: '/w', user: '' } })
  expect(files).toMatchObject({ kind: 'context', inputs: [] })
  expect(copy).toMatchObject({ n: 4, kind: 'copy', inputs: [2, 3], line: 5, bytes: 4, config: { user: '7' } })
  expect(copy!.diffIds).toEqual(
    store.images.config(store.images.named('docker.io/library/app:latest')!).config.rootfs.diff_ids,
  )
  expect(copy!.finishedAt).toBeGreaterThanOrEqual(copy!.startedAt!)
  expect(store.steps.knowsOperation(copy!.opKey!)).toBe(true)
  expect(second.record).toMatchObject({ cachedSteps: 2, totalSteps: 3 })
})

test('why steps missed is remembered, in short where there are many reasons', async () => {
  const { engine } = openTestEngine()
  const files = (text: string) => Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`f${at}`, text]))
  const context = contextOf({ ...files('1'), Dockerfile: 'FROM scratch\nCOPY f* /\n' })
  await engine.build({ context })
  for (const [name, text] of Object.entries(files('22'))) writeFileSync(path.join(context, name), text)
  const { explanation, record } = await engine.build({ context })
  expect(explanation[0]!.differences).toHaveLength(60)
  expect(record.explanation[0]).toMatchObject({ result: 'MISS', omitted: 10 })
  expect(record.explanation[0]!.differences).toEqual(explanation[0]!.differences.slice(0, 50))
  expect(engine.builds.latest()).toEqual(record)
})

test('a build that failed is remembered with its error, and steps that were not begun as pending', async () => {
  const { engine } = openTestEngine()
  const context = contextOf({ Dockerfile: 'FROM scratch\nCOPY missing /\nWORKDIR /w\n' })
  await expect(engine.build({ context })).rejects.toMatchObject({ code: 'COPY_SOURCE_MISSING' })
  const record = engine.builds.inspect('^0')
  expect(record).toMatchObject({ status: 'error', error: { code: 'COPY_SOURCE_MISSING', line: 2 } })
  expect(record.steps.map(({ kind, result }) => `${kind} ${result}`)).toEqual([
    'image done',
    'context done',
    'copy failed',
    'folder pending',
  ])
})

test('a build that never was planned, and one that was stopped', async () => {
  const { engine } = openTestEngine()
  await expect(engine.build({ context: contextOf({}) })).rejects.toThrow()
  expect(engine.builds.inspect('^0')).toMatchObject({
    status: 'error',
    steps: [],
    error: { code: 'DOCKERFILE_MISSING' },
  })
  const job = { ...silentJob, signal: AbortSignal.abort() }
  const context = contextOf({ Dockerfile: 'FROM scratch\nWORKDIR /w\n' })
  await expect(engine.build({ context }, job)).rejects.toMatchObject({ code: 'CANCELED' })
  expect(engine.builds.inspect('^0').status).toBe('canceled')
})

test.skipIf(!canRun)('the whole output is in the log, in order and byte for byte', async () => {
  const { engine } = await openBusyboxEngine()
  const script = 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; printf "\\\\377\\\\n"'
  const { record } = await engine.build({ context: contextOf({ Dockerfile: `FROM busybox\nRUN ${script}\n` }) })
  const chunks = (await all(engine.builds.log(record.id.slice(0, 8)))).flatMap(({ event }) =>
    event.type === 'log' ? [event.chunk] : [],
  )
  const expected = Array.from({ length: 20_000 }, (_, at) => `line ${at}\n`).join('')
  expect(Buffer.concat(chunks).equals(Buffer.concat([Buffer.from(expected), Buffer.from([0xff, 0x0a])]))).toBe(true)
  expect(record.logBytes).toBeLessThan(expected.length / 2)
  expect(record.steps.at(-1)).toMatchObject({ kind: 'run', result: 'done', args: ['/bin/sh', '-c', script] })
})

test('a record that is removed takes its log along; what is unknown or ambiguous says so', async () => {
  const { engine, store } = openTestEngine()
  const { record } = await engine.build({ context: contextOf({ Dockerfile: 'FROM scratch\nWORKDIR /w\n' }) })
  expect(engine.builds.remove(record.id)).toBe(record.id)
  expect(existsSync(store.buildRecords.folder(record.id))).toBe(false)
  expect(() => engine.builds.inspect(record.id)).toThrow(expect.objectContaining({ code: 'BUILD_NOT_FOUND' }))
  expect(() => engine.builds.inspect('../x')).toThrow(expect.objectContaining({ code: 'BUILD_NOT_FOUND' }))
  store.buildRecords.add({ status: 'running' }, 1, store.testLease)
  store.buildRecords.add({ status: 'running' }, 2, store.testLease)
  expect(() => engine.builds.remove('^0')).toThrow(expect.objectContaining({ code: 'BUILD_RUNNING' }))
})

test('a log that was cut off is read as far as it goes', async () => {
  const folder = contextOf({})
  const log = new BuildLogWriter(folder)
  log.add({ type: 'log', task: 'a', stream: 'stdout', chunk: Buffer.from('one\n') }, 1)
  log.flush()
  log.add({ type: 'warning', code: 'X', message: 'two' }, 2)
  log[Symbol.dispose]()
  const file = path.join(folder, 'log.zst')
  expect(readFileSync(file).length).toBe(log.bytes)
  expect((await all(readBuildLog(folder))).map(({ at }) => at)).toEqual([1, 2])
  truncateSync(file, log.bytes - 3)
  expect(await all(readBuildLog(folder))).toEqual([
    { at: 1, event: { type: 'log', task: 'a', stream: 'stdout', chunk: Buffer.from('one\n') } },
  ])
  appendFileSync(file, 'rubbish')
  expect(await all(readBuildLog(folder))).toHaveLength(1)
  expect(await all(readBuildLog(`${folder}/none`))).toEqual([])
})

test.skipIf(!canRun)('a secret is neither in the log nor in the record, though a step prints it', async () => {
  const { engine, store } = await openBusyboxEngine()
  const dockerfile =
    'FROM busybox\nARG API_TOKEN\nRUN --mount=type=secret,id=s cat /run/secrets/s; echo $API_TOKEN | cut -c1-4; echo $API_TOKEN\n'
  const request = {
    context: contextOf({ Dockerfile: dockerfile }),
    secrets: { s: { value: 'correct-horse' } },
    buildArgs: { API_TOKEN: 'battery-staple' },
    attestations: [{ type: 'provenance' }],
  }
  const { record, digest } = await engine.build(request)
  const output = (await all(engine.builds.log(record.id))).map(({ event }) =>
    event.type === 'log' ? Buffer.from(event.chunk).toString() : JSON.stringify(event),
  )
  expect(output.join('')).toContain('batt\n***\n')
  expect(output.join('') + JSON.stringify(engine.builds.inspect(record.id))).not.toMatch(/correct-horse|battery-staple/)
  const [, entry] = parseIndex(store.blobs.readWhole(digest)).manifests
  const [layer] = parseManifest(store.blobs.readWhole(entry!.digest)).layers
  const provenance = Buffer.from(store.blobs.readWhole(layer!.digest)).toString()
  expect(provenance).not.toMatch(/correct-horse|battery-staple/)
  expect(JSON.parse(provenance).predicate.buildDefinition.externalParameters.request).toMatchObject({
    args: { 'build-arg:API_TOKEN': '***' },
    secrets: [{ id: 's', optional: true }],
  })
})
