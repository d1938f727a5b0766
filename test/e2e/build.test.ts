/** Whole builds, through the engine: what a user sees of order, cache and failure. Those with RUN need root and busybox. */
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type BuildReport,
  type BuildRequest,
  type Engine,
  openEngine,
  type ProgressEvent,
  SlipwayError,
} from '../../src/engine/index.ts'
import { findProgram } from '../../src/host/index.ts'
import { openStore } from '../../src/store/index.ts'

const canRun = process.getuid?.() === 0 && findProgram('busybox') !== undefined

let work: string
let engine: Engine
const engines: Engine[] = []

beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'slipway-build-'))
  engine = open('store')
})

afterEach(() => {
  for (const each of engines.splice(0)) each[Symbol.dispose]()
  rmSync(work, { recursive: true, force: true })
})

function open(name: string): Engine {
  const opened = openEngine({ root: path.join(work, name) })
  engines.push(opened)
  return opened
}

/** Writes a context; the Dockerfile is one of its files. */
function context(files: Readonly<Record<string, string>>, name = 'context'): string {
  const folder = path.join(work, name)
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    writeFileSync(path.join(folder, file), text)
  }
  return folder
}

interface Built extends BuildReport {
  events: ProgressEvent[]
  /** How each task ended, by what it is called. */
  ended: Record<string, string>
  /** What was written by all RUN steps. */
  output: string
}

interface Failed {
  error: SlipwayError
  events: ProgressEvent[]
  output: string
}

const outputOf = (events: readonly ProgressEvent[]): string =>
  events.flatMap((event) => (event.type === 'log' ? [Buffer.from(event.chunk).toString()] : [])).join('')

function endings(events: readonly ProgressEvent[]): Record<string, string> {
  const names = new Map(events.flatMap((event) => (event.type === 'started' ? [[event.task, event.name]] : [])))
  return Object.fromEntries(
    events.flatMap((event) => (event.type === 'finished' ? [[names.get(event.task)!, event.result]] : [])),
  )
}

async function build(folder: string, request: Partial<BuildRequest> = {}, on: Engine = engine): Promise<Built> {
  const events: ProgressEvent[] = []
  const report = await on.build({ context: folder, ...request }, { progress: (event) => void events.push(event) })
  return { ...report, events, ended: endings(events), output: outputOf(events) }
}

async function failure(folder: string, request: Partial<BuildRequest> = {}): Promise<Failed> {
  const events: ProgressEvent[] = []
  try {
    await engine.build({ context: folder, ...request }, { progress: (event) => void events.push(event) })
  } catch (error) {
    if (error instanceof SlipwayError) return { error, events, output: outputOf(events) }
    throw error
  }
  throw new Error('the build did not fail')
}

const FILES = {
  Dockerfile: 'FROM scratch\nWORKDIR /app\nCOPY . .\nENV A=1\nADD --chown=1:2 one two/\nCMD ["x"]\n',
  one: '1',
  'sub/deep/two': '2',
}

describe('the same input', () => {
  test('gives the same digest in two stores, from two checkouts', async () => {
    const epoch = 1_700_000_000
    const first = context(FILES)
    const second = context(FILES, 'elsewhere')
    utimesSync(path.join(second, 'one'), epoch + 1, epoch + 1)
    const here = await build(first, { epoch })
    const there = await build(second, { epoch, noCache: true }, open('other store'))
    expect(there.digest).toBe(here.digest)
    expect(there.id).toBe(here.id)
  })

  test('gives the same image again from the cache, moments later', async () => {
    const folder = context(FILES)
    const { id, digest } = await build(folder)
    expect(await build(folder)).toMatchObject({ id, digest, steps: 3, cachedSteps: 3 })
  })

  test.skipIf(!canRun)('gives the same digest of what RUN made', async () => {
    const folder = context({ Dockerfile: 'FROM busybox\nRUN mkdir /d && echo 1 > /d/f && rm /etc/hostname\n' })
    const digests: string[] = []
    for (const name of ['store', 'second store']) {
      const on = open(name)
      await on.bootstrap({ what: 'busybox' })
      digests.push((await build(folder, { epoch: 1_700_000_000 }, on)).digest)
    }
    expect(digests[1]).toBe(digests[0])
  })
})

describe('the cache', () => {
  test('answers for every step, and does not read unchanged files again', async () => {
    const folder = context(FILES)
    await settledTimes(folder)
    const before = await build(folder)
    expect(before.cachedSteps).toBe(0)
    const again = await build(folder)
    expect(again).toMatchObject({ id: before.id, steps: 3, cachedSteps: 3 })
    expect(again.ended).toMatchObject({
      '[1/3] WORKDIR /app': 'cached',
      '[2/3] COPY . .': 'cached',
      '[3/3] ADD --chown=1:2 one two/': 'cached',
    })
    // a build that read the file would not fall for a wrong digest that is remembered of it
    rememberInstead(folder, '2', 'something else')
    expect((await build(folder)).ended).toMatchObject({ '[2/3] COPY . .': 'done' })
  })

  test('is not fooled by a file of the same size and time', async () => {
    const folder = context({ Dockerfile: 'FROM scratch\nCOPY f /\n', f: 'aaaa' })
    utimesSync(path.join(folder, 'f'), 1000, 1000)
    await settledTimes(folder)
    const first = await build(folder)
    writeFileSync(path.join(folder, 'f'), 'bbbb')
    utimesSync(path.join(folder, 'f'), 1000, 1000)
    const second = await build(folder)
    expect(second.cachedSteps).toBe(0)
    expect(second.id).not.toBe(first.id)
  })

  test('does not care for SOURCE_DATE_EPOCH', async () => {
    const folder = context(FILES)
    await build(folder, { epoch: 1_700_000_000 })
    const later = await build(folder, { buildArgs: { SOURCE_DATE_EPOCH: '1700000001' } })
    expect(later.cachedSteps).toBe(3)
    expect(engine.images.inspect(later.id)['Created']).toMatch(/^2023-11-14T22:13:21/)
    // and yet the image is the one that a build without a cache gives
    const { digest } = await build(folder, { epoch: 1_700_000_001 }, open('other store'))
    expect(later.digest).toBe(digest)
  })

  test('does not care for times, and does for modes, names and links', async () => {
    const folder = context({ Dockerfile: 'FROM scratch\nCOPY d /d\n', 'd/f': '1' })
    await build(folder)
    utimesSync(path.join(folder, 'd/f'), 5, 5)
    expect((await build(folder)).cachedSteps).toBe(1)
    chmodSync(path.join(folder, 'd/f'), 0o755)
    expect((await build(folder)).cachedSteps).toBe(0)
    symlinkSync('f', path.join(folder, 'd/g'))
    expect((await build(folder)).cachedSteps).toBe(0)
    mkdirSync(path.join(folder, 'd/empty'))
    expect((await build(folder)).cachedSteps).toBe(0)
    expect((await build(folder)).cachedSteps).toBe(1)
  })

  test('of a COPY holds when other files of the context change, and is lost below a change', async () => {
    const text = 'FROM scratch\nCOPY a /a\nCOPY b /b\nCOPY c /c\n'
    const folder = context({ Dockerfile: text, a: '1', b: '1', c: '1', unused: '1' })
    await build(folder)
    context({ unused: '2' })
    expect((await build(folder)).cachedSteps).toBe(3)
    context({ b: '2' })
    expect((await build(folder)).ended).toMatchObject({
      '[1/3] COPY a /a': 'cached',
      '[2/3] COPY b /b': 'done',
      '[3/3] COPY c /c': 'done',
    })
  })

  test('is left aside with noCache, and filled again', async () => {
    const folder = context(FILES)
    await build(folder)
    // WORKDIR: there is nothing in a folder that could be stale
    expect((await build(folder, { noCache: true })).cachedSteps).toBe(1)
    expect((await build(folder)).cachedSteps).toBe(3)
  })

  test.skipIf(!canRun)('of a RUN depends on its command, environment and base, and on nothing else', async () => {
    await engine.bootstrap({ what: 'busybox' })
    const steps = (before: string, run: string): string =>
      context({ Dockerfile: `FROM busybox\nARG A\n${before}\nRUN ${run}\n` })
    await build(steps('', 'echo 1'))
    expect((await build(steps('LABEL a=b', 'echo 1'))).cachedSteps).toBe(1)
    expect((await build(steps('', 'echo 1'), { buildArgs: { http_proxy: 'http://x.invalid' } })).cachedSteps).toBe(1)
    expect((await build(steps('', 'echo 1'), { buildArgs: { A: '1' } })).cachedSteps).toBe(0)
    expect((await build(steps('ENV E=1', 'echo 1'))).cachedSteps).toBe(0)
    expect((await build(steps('USER nobody', 'echo 1'))).cachedSteps).toBe(0)
    expect((await build(steps('', 'echo 2'))).cachedSteps).toBe(0)
    expect((await build(steps('', 'echo 2'))).cachedSteps).toBe(1)
  })

  test.skipIf(!canRun)('keeps nothing of a step that failed', async () => {
    await engine.bootstrap({ what: 'busybox' })
    const folder = context({ Dockerfile: 'FROM busybox\nRUN echo one\nRUN exit 3\n' })
    await failure(folder)
    const { events } = await failure(folder)
    expect(endings(events)).toMatchObject({ '[2/3] RUN echo one': 'cached', '[3/3] RUN exit 3': 'failed' })
  })
})

/** Changes what the store remembers of a context: files with one text now have the digest of another. */
function rememberInstead(folder: string, text: string, other: string): void {
  using store = openStore(path.join(work, 'store'))
  const hex = (of: string): string => createHash('sha256').update(of).digest('hex')
  const memo = Buffer.from(store.memos.get('file-digests', folder)!).toString('hex')
  expect(memo).toContain(hex(text))
  store.memos.set('file-digests', folder, Buffer.from(memo.replaceAll(hex(text), hex(other)), 'hex'))
}

/** Waits until files are older than what a digest is remembered for: change times cannot be set. */
async function settledTimes(folder: string): Promise<void> {
  const changed = statSync(path.join(folder, 'Dockerfile')).ctimeMs
  while (Date.now() < changed + 60) await new Promise((resolve) => setTimeout(resolve, 20))
}

test('a Dockerfile can be given as text, and an error shows its lines', async () => {
  const folder = context({ f: '1' })
  const dockerfile = { name: 'made by a program', text: 'FROM scratch\nCOPY f /\n' }
  expect((await build(folder, { dockerfile })).steps).toBe(1)
  const { error } = await failure(folder, { dockerfile: { ...dockerfile, text: 'FROM scratch\nCOPY g /\n' } })
  expect(error.span).toMatchObject({ line: 2, source: { name: 'made by a program' } })
})

describe('stages', () => {
  test('that nothing needs are left out, even where they would fail', async () => {
    const text = 'FROM nowhere AS a\nRUN false\nFROM scratch AS b\nCOPY missing /\nFROM scratch\nCOPY f /\n'
    const { ended } = await build(context({ Dockerfile: text, f: '' }))
    expect(Object.keys(ended).filter((name) => /nowhere|missing|RUN/.test(name))).toEqual([])
  })

  test('are chosen by target', async () => {
    const folder = context({ Dockerfile: 'FROM scratch AS a\nCOPY f /a\nFROM a AS b\nCOPY f /b\n', f: '' })
    expect((await build(folder, { target: 'a' })).steps).toBe(1)
    expect((await build(folder, { target: '1' })).steps).toBe(2)
  })

  test.skipIf(!canRun)('that do not need one another run at the same time', async () => {
    await engine.bootstrap({ what: 'busybox' })
    const text = [
      'FROM busybox AS left',
      'RUN echo left is there; sleep 30',
      'FROM busybox AS right',
      'RUN echo right is there; sleep 30',
      'FROM scratch',
      'COPY --from=left /etc/passwd /',
      'COPY --from=right /etc/group /',
    ].join('\n')
    const stop = new AbortController()
    const events: ProgressEvent[] = []
    const progress = (event: ProgressEvent): void => {
      if (!stop.signal.aborted) events.push(event)
      if (/left/.test(outputOf(events)) && /right/.test(outputOf(events))) stop.abort()
    }
    const stopped = engine.build({ context: context({ Dockerfile: text }) }, { progress, signal: stop.signal })
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELED' })
    expect(Object.keys(endings(events)).filter((name) => name.includes('RUN'))).toEqual([])
  })
})

describe.skipIf(!canRun)('a RUN that fails', () => {
  beforeEach(() => engine.bootstrap({ what: 'busybox' }))

  test('shows its output, its line and its exit code', async () => {
    const text = 'FROM busybox\n\nENV A=1\nRUN echo to stdout; echo to stderr >&2; exit 42\nRUN never\n'
    const { error, output, events } = await failure(context({ Dockerfile: text }))
    expect(error.code).toBe('RUN_FAILED')
    expect(error.message).toBe(
      'process "/bin/sh -c echo to stdout; echo to stderr >&2; exit 42" did not complete successfully: exit code: 42',
    )
    expect(error.span).toMatchObject({ line: 4, endLine: 4 })
    expect(error.data).toMatchObject({ exitCode: 42 })
    expect(output.split('\n').sort()).toEqual(['', 'to stderr', 'to stdout'])
    expect(endings(events)).not.toHaveProperty('[3/3] RUN never')
  })

  test('leaves no image and no name', async () => {
    await failure(context({ Dockerfile: 'FROM busybox\nRUN false\n' }), { tags: ['never:1'] })
    expect(engine.images.list().flatMap((image) => image.tags)).toEqual(['busybox:latest'])
  })

  test('says which program or user is missing, in Docker’s words', async () => {
    const missing = await failure(context({ Dockerfile: 'FROM busybox\nRUN ["/nope"]\n' }))
    expect(missing.error).toMatchObject({ code: 'RUN_FAILED', span: { line: 2 } })
    expect(missing.error.message).toMatch(/\/nope.*(not found|no such file)/)
    const user = await failure(context({ Dockerfile: 'FROM busybox\nUSER ghost\nRUN true\n' }))
    expect(user.error).toMatchObject({ code: 'RUN_FAILED', span: { line: 3 } })
    expect(user.error.message).toMatch(/unable to find user ghost: no matching entries in passwd file/)
  })

  test('that a signal ended has the shell’s exit code', async () => {
    const { error } = await failure(context({ Dockerfile: `FROM busybox\nRUN sh -c 'kill -9 $$'; exit $?\n` }))
    expect(error.data).toMatchObject({ exitCode: 137 })
  })
})

describe('errors before anything runs', () => {
  test.each([
    ['FROM scratch\nFOO x\n', 'DOCKERFILE_INVALID', 2, /unknown instruction: FOO/],
    ['FROM nowhere\n', 'IMAGE_NOT_FOUND', 1, /nowhere.*not found/],
    ['FROM scratch\nCOPY nothing /\n', 'COPY_SOURCE_MISSING', 2, /"\/nothing": not found/],
    ['FROM scratch\nCOPY --from=missing /a /\n', 'IMAGE_NOT_FOUND', 2, /missing.*not found/],
    ['FROM scratch\nCOPY f /d/\nCOPY f /d\nCOPY Dockerfile /d/f/\n', 'COPY_CONFLICT', 4, /not a directory/],
  ])('%j', async (Dockerfile, code, line, message) => {
    const { error } = await failure(context({ Dockerfile, f: '' }), { pull: 'never' })
    expect({ code: error.code, line: error.span?.line }).toEqual({ code, line })
    expect(error.message).toMatch(message)
  })

  test('an ignored file is not there, and the message says where to look', async () => {
    const folder = context({ Dockerfile: 'FROM scratch\nCOPY secret /\n', secret: '', '.dockerignore': 'secret\n' })
    const { error } = await failure(folder)
    expect(error.message).toContain('"/secret": not found in the build context (see .dockerignore)')
  })

  test('no Dockerfile, no context', async () => {
    expect((await failure(context({ x: '' }))).error.code).toBe('DOCKERFILE_MISSING')
    expect((await failure(path.join(work, 'nowhere'))).error.code).toBe('CONTEXT_MISSING')
  })
})
