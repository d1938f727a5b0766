/** Steps at the same time, and builds at the same time. Needs root and busybox. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type BuildReport, type Engine, openEngine, type ProgressEvent } from '../../src/engine/index.ts'
import { findProgram } from '../../src/host/index.ts'
import { type RunningCommand, runCommand, startCommand } from '../command.ts'

const canRun = process.getuid?.() === 0 && findProgram('busybox') !== undefined

let work: string
let root: string
let engine: Engine

beforeEach(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'slipway-together-'))
  root = path.join(work, 'store')
  engine = openEngine({ root })
})

afterEach(() => {
  engine[Symbol.dispose]()
  rmSync(work, { recursive: true, force: true })
})

function context(dockerfile: string): string {
  const folder = mkdtempSync(path.join(work, 'context-'))
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
  return folder
}

async function build(folder: string, parallelism?: number): Promise<{ report: BuildReport; events: ProgressEvent[] }> {
  const events: ProgressEvent[] = []
  const request = { context: folder, ...(parallelism === undefined ? {} : { parallelism }) }
  const report = await engine.build(request, { progress: (event) => void events.push(event) })
  return { report, events }
}

const STAGES = 10
const stages = Array.from({ length: STAGES }, (_, at) => at)

const NOW = "cut -d' ' -f1 /proc/uptime"

/** Stages that each take a second, say when they began and ended, and meet at the end. */
const FAN = [
  ...stages.flatMap((at) => [`FROM busybox AS s${at}`, `RUN ${NOW}; sleep 1; echo stage ${at} > /s${at}; ${NOW}`]),
  'FROM scratch',
  ...stages.map((at) => `COPY --from=s${at} /s${at} /`),
  '',
].join('\n')

/** The most RUN steps of the fan that were under way at once. */
function mostAtOnce(events: readonly ProgressEvent[]): number {
  const tasks = Map.groupBy(
    events.filter((event) => event.type === 'log'),
    ({ task }) => task,
  )
  const spans = [...tasks.values()].map((logs) => logsOf(logs).trim().split('\n').map(Number))
  expect(spans).toHaveLength(STAGES)
  return Math.max(...spans.map(([begun]) => spans.filter(([from, to]) => from! <= begun! && begun! < to!).length))
}

describe.skipIf(!canRun)('stages that do not depend on one another', () => {
  test.each([
    [STAGES, 3],
    [3, 2],
    [1, 1],
  ])('run at the same time, but no more than %i', async (parallelism, atLeast) => {
    await engine.bootstrap({ what: 'busybox' })
    const { report, events } = await build(context(FAN), parallelism)
    expect(report.cachedSteps).toBe(0)
    const most = mostAtOnce(events)
    expect(most).toBeLessThanOrEqual(parallelism)
    // all of them, unless the machine is too busy to start them within a second
    expect(most).toBeGreaterThanOrEqual(atLeast)
  })
})

const UNIQUE = 'FROM busybox\nRUN head -c 16 /dev/urandom | sha256sum > /unique; echo ran-$((40+2)); sleep 1\n'

describe.skipIf(!canRun)('two builds of the same at once', () => {
  test('share their work in one process', async () => {
    await engine.bootstrap({ what: 'busybox' })
    const folder = context(UNIQUE)
    const [first, second] = await Promise.all([build(folder), build(folder)])
    expect(second.report.digest).toBe(first.report.digest)
    expect(ranIn([first.events, second.events].map(logsOf).join('\n'))).toBe(1)
  })

  test('share their work between processes', async () => {
    await engine.bootstrap({ what: 'busybox' })
    const folder = context(UNIQUE)
    const one = (name: string) => {
      const id = path.join(work, name)
      return runCommand(['build', '--progress=plain', `--iidfile=${id}`, folder], { root })
    }
    const ended = await Promise.all([one('first'), one('second')])
    expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0])
    expect(readFileSync(path.join(work, 'first'), 'utf8')).toBe(readFileSync(path.join(work, 'second'), 'utf8'))
    expect(ranIn(ended.map(({ stderr }) => stderr).join('\n'))).toBe(1)
  })
})

describe.skipIf(!canRun)('a build that waits for another one which does the same', () => {
  test('goes on by itself when that one is killed', async () => {
    await engine.bootstrap({ what: 'busybox' })
    const folder = context('FROM busybox\nRUN --mount=type=bind,from=gate,target=/gate sh /gate/wait; echo ran > /f\n')
    const gate = mkdtempSync(path.join(work, 'gate-'))
    writeFileSync(path.join(gate, 'wait'), 'echo begun-$((40+2)); sleep 4\n')
    const args = ['build', '--progress=plain', '--build-context', `gate=${gate}`, folder]
    const first = startCommand(args, { root })
    await said(first, 'begun-42')
    const second = startCommand([...args, `--iidfile=${work}/id`], { root })
    await said(second, 'waiting for another build that does the same')
    first.child.kill('SIGKILL')
    expect((await first.ended).exitCode).toBe(137)
    const ended = await second.ended
    expect(ended.exitCode, ended.stderr).toBe(0)
    expect(ended.stderr).toContain('begun-42')
    expect(readFileSync(path.join(work, 'id'), 'utf8')).toMatch(/^sha256:/)
    const { stdout } = await runCommand(['builds', 'ls', '--format', '{{.Status}}'], { root })
    expect(stdout.toString()).toBe('Completed\nInterrupted\n')
  }, 60_000)
})

/** Waits until a command has written this to its progress. */
async function said({ child, ended }: RunningCommand, words: string): Promise<void> {
  let text = ''
  const heard = new Promise<void>((resolve) => {
    child.stderr!.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      if (text.includes(words)) resolve()
    })
  })
  await Promise.race([
    heard,
    ended.then(({ stderr }) => Promise.reject(new Error(`it never said ${words}: ${stderr}`))),
  ])
}

const logsOf = (events: readonly ProgressEvent[]): string =>
  events.flatMap((event) => (event.type === 'log' ? [Buffer.from(event.chunk).toString()] : [])).join('')

/** How often the step wrote its line. */
const ranIn = (output: string): number => output.split('ran-42').length - 1
