import { appendFileSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { bytesOf } from '../../../core/index.ts'
import { folderOf, openBuilder } from '../fixture.suite.ts'
import type { BuildRequest } from '../request.ts'
import type { WatchRound } from './watch.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** Watches, and gives the rounds one by one. */
function watching(request: BuildRequest) {
  const { engine, store } = openBuilder()
  const stopping = new AbortController()
  const rounds: WatchRound[] = []
  let wake: (() => void) | undefined
  const ended = (round: WatchRound): void => {
    rounds.push(round)
    wake?.()
  }
  const job = { progress: () => {}, signal: stopping.signal }
  const done = engine.watch(request, { ended }, job)
  const failed = done.catch((error: unknown) => {
    wake?.()
    return error
  })
  const stop = async (): Promise<void> => {
    stopping.abort()
    await failed
  }
  stops.push(stop)
  return {
    store,
    done,
    stop,
    rounds,
    /** The next round, and what it was for: kind and name of each file. */
    async next(): Promise<{ round: WatchRound; changes: string[] }> {
      while (rounds.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      const round = rounds.shift()!
      return { round, changes: round.changes.map(({ kind, path: file }) => `${kind} ${path.basename(file)}`) }
    },
  }
}

test('a file that is copied changes, comes and goes', async () => {
  const context = folderOf({ Dockerfile: 'FROM scratch\nCOPY src /\n', 'src/a': '1', other: '' })
  const { next } = watching({ context })
  const first = await next()
  expect(first.round.report?.steps).toBe(1)
  writeFileSync(path.join(context, 'src/a'), '2')
  expect((await next()).changes).toEqual(['changed a'])
  writeFileSync(path.join(context, 'src/b'), '')
  expect((await next()).changes).toEqual(['added b'])
  mkdirSync(path.join(context, 'src/d'))
  writeFileSync(path.join(context, 'src/d/e'), '')
  const changes: string[] = []
  while (!changes.includes('added e')) changes.push(...(await next()).changes)
  rmSync(path.join(context, 'src/a'))
  expect((await next()).changes).toEqual(['removed a'])
})

test('what does not count makes no build: other files, excluded ones, a new time', async () => {
  const context = folderOf({
    Dockerfile: 'FROM scratch\nCOPY *.txt /\n',
    'a.txt': '1',
    'b.txt': '',
    'c.log': '',
    '.dockerignore': 'b.txt',
  })
  const { next } = watching({ context })
  await next()
  writeFileSync(path.join(context, 'c.log'), 'x')
  writeFileSync(path.join(context, 'b.txt'), 'x')
  utimesSync(path.join(context, 'a.txt'), 1, 1)
  await new Promise((resolve) => setTimeout(resolve, 300))
  writeFileSync(path.join(context, 'd.txt'), '')
  expect((await next()).changes).toEqual(['added d.txt'])
})

test('an editor that puts a new file in place of the old one is seen', async () => {
  const context = folderOf({ Dockerfile: 'FROM scratch\nCOPY f /f\n', f: '1' })
  const { next } = watching({ context })
  await next()
  for (const text of ['2', '3']) {
    writeFileSync(path.join(context, 'f.new'), text)
    renameSync(path.join(context, 'f.new'), path.join(context, 'f'))
    expect((await next()).changes).toEqual(['changed f'])
  }
})

test('the Dockerfile and the rules count; a build that fails is waited with', async () => {
  const context = folderOf({ Dockerfile: 'FROM scratch\nCOPY a /\n', a: '', b: '' })
  const { next } = watching({ context })
  await next()
  writeFileSync(path.join(context, 'Dockerfile'), 'FROM scratch\nCOPI a /\n')
  const broken = await next()
  expect(broken.changes).toEqual(['changed Dockerfile'])
  expect(broken.round.error).toMatchObject({ code: 'DOCKERFILE_INVALID' })
  writeFileSync(path.join(context, 'Dockerfile'), 'FROM scratch\nCOPY a b /x/\n')
  expect((await next()).round.report?.steps).toBe(1)
  writeFileSync(path.join(context, '.dockerignore'), 'b\n')
  const missing = await next()
  expect(missing.changes).toContain('added .dockerignore')
  expect(missing.round.error).toMatchObject({ code: 'COPY_SOURCE_MISSING' })
  rmSync(path.join(context, '.dockerignore'))
  expect((await next()).round.report).toBeDefined()
})

test('a file that was missing comes', async () => {
  const context = folderOf({ Dockerfile: 'FROM scratch\nCOPY sub/f /\n' })
  const { next } = watching({ context })
  expect((await next()).round.error).toMatchObject({ code: 'COPY_SOURCE_MISSING' })
  mkdirSync(path.join(context, 'sub'))
  writeFileSync(path.join(context, 'sub/f'), '')
  expect((await next()).changes).toEqual(['added f'])
})

test('several contexts are watched', async () => {
  const other = folderOf({ f: '1', g: '', '.dockerignore': 'g' })
  const context = folderOf({ Dockerfile: 'FROM scratch\nCOPY --from=other . /\n' })
  const { next } = watching({ context, contexts: { other } })
  await next()
  appendFileSync(path.join(other, 'f'), 'x')
  expect((await next()).changes).toEqual(['changed f'])
  writeFileSync(path.join(other, '.dockerignore'), '')
  expect((await next()).changes).toEqual(expect.arrayContaining(['added g', 'changed .dockerignore']))
})

describe('the end', () => {
  test('comes when the job is stopped', async () => {
    const { next, stop, done } = watching({ context: folderOf({ Dockerfile: 'FROM scratch\nENV A=1\n' }) })
    await next()
    await stop()
    await expect(done).resolves.toBeUndefined()
  })

  test('comes at once when there is nothing to watch', async () => {
    await expect(watching({ context: folderOf({}) }).done).rejects.toMatchObject({ code: 'DOCKERFILE_MISSING' })
    const stream = watching({ context: bytesOf(Buffer.from('FROM scratch\n')) })
    await expect(stream.done).rejects.toMatchObject({ code: 'USAGE_INVALID' })
  })
})
