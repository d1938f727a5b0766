import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Job, silentJob } from '../core/index.ts'
import { temporaryFolder } from '../host/child.suite.ts'
import { type LogEntry, readLog } from './log.ts'

const TIME = '2024-05-06T07:08:09.123456789+00:00'
let file: string

beforeEach(() => {
  file = path.join(temporaryFolder(), 'output.log')
})

async function read(options: Parameters<typeof readLog>[1] = {}, job: Job = silentJob): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for await (const entry of readLog(file, options, job)) entries.push(entry)
  return entries
}

const line = (text: string, { stream = 'stdout', tag = 'F' } = {}): string => `${TIME} ${stream} ${tag} ${text}\n`
const texts = (entries: LogEntry[]): string[] => entries.map(({ text }) => text.toString('latin1'))

describe('a log', () => {
  test('is read piece by piece, with time and stream', async () => {
    writeFileSync(file, line('one') + line('two words', { stream: 'stderr' }) + line(''))
    expect(await read()).toEqual([
      { time: TIME, stream: 'stdout', text: Buffer.from('one\n') },
      { time: TIME, stream: 'stderr', text: Buffer.from('two words\n') },
      { time: TIME, stream: 'stdout', text: Buffer.from('\n') },
    ])
  })

  test('parts of a line have no line end', async () => {
    writeFileSync(file, line('beg', { tag: 'P' }) + line('in', { tag: 'P' }) + line('end'))
    expect(texts(await read())).toEqual(['beg', 'in', 'end\n'])
  })

  test('keeps bytes', async () => {
    writeFileSync(
      file,
      Buffer.concat([Buffer.from(`${TIME} stdout F `), Buffer.from([0, 255, 13, 32]), Buffer.from('\n')]),
    )
    expect((await read())[0]!.text).toEqual(Buffer.from([0, 255, 13, 32, 10]))
  })

  test('of nothing', async () => {
    writeFileSync(file, '')
    expect(await read()).toEqual([])
  })

  test('an unfinished last line and lines of another kind are left out', async () => {
    writeFileSync(file, `nonsense\n\n${TIME} stdlog F x\n${line('good')}${TIME} stdout F unfini`)
    expect(texts(await read())).toEqual(['good\n'])
  })

  test('that is not there', async () => {
    await expect(read()).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('whatever is written is what is read, however long its lines', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ text: fc.string({ size: 'large' }), whole: fc.boolean() }), { maxLength: 40 }),
        async (pieces) => {
          const clean = pieces.map(({ text, whole }) => ({ text: text.replaceAll('\n', ''), whole }))
          writeFileSync(file, clean.map(({ text, whole }) => line(text, { tag: whole ? 'F' : 'P' })).join(''))
          const expected = clean.map(({ text, whole }) => (whole ? `${text}\n` : text))
          expect((await read()).map(({ text }) => text.toString())).toEqual(expected)
        },
      ),
      { numRuns: 50 },
    )
  })

  test('lines longer than what is read at once', async () => {
    const long = 'x'.repeat(200_000)
    writeFileSync(file, line('a') + line(long) + line('b'))
    expect((await read()).map(({ text }) => text.length)).toEqual([2, 200_001, 2])
  })
})

describe('following', () => {
  test('brings what comes, until the end', async () => {
    writeFileSync(file, line('first'))
    let ended = false
    const reading = read({ follow: { ended: () => ended } })
    for (const word of ['second', 'third']) {
      await sleep(30)
      appendFileSync(file, line(word))
    }
    appendFileSync(file, line('last'))
    ended = true
    expect(texts(await reading)).toEqual(['first\n', 'second\n', 'third\n', 'last\n'])
  })

  test('brings each piece as soon as it is there', async () => {
    writeFileSync(file, '')
    const stop = new AbortController()
    const entries = readLog(file, { follow: { ended: () => false } }, { ...silentJob, signal: stop.signal })
    for (const word of ['one', 'two']) {
      const next = entries.next()
      await sleep(20)
      appendFileSync(file, line(word))
      expect((await next).value?.text.toString()).toBe(`${word}\n`)
    }
    stop.abort()
    expect((await entries.next()).done).toBe(true)
  })

  test('misses nothing that is written just before the end', async () => {
    for (let round = 0; round < 5; round++) {
      writeFileSync(file, '')
      let asked = 0
      // what is written while the question is answered counts
      const ended = (): boolean => {
        if (++asked === 2) appendFileSync(file, line('last'))
        return asked >= 2
      }
      expect(texts(await read({ follow: { ended } }))).toEqual(['last\n'])
    }
  })

  test('a line that is finished later comes once, whole', async () => {
    writeFileSync(file, `${TIME} stdout F begin`)
    let ended = false
    const reading = read({ follow: { ended: () => ended } })
    await sleep(30)
    appendFileSync(file, 'ning\n')
    await sleep(30)
    ended = true
    expect(texts(await reading)).toEqual(['beginning\n'])
  })

  test('goes on when the file is renamed or removed meanwhile', async () => {
    writeFileSync(file, line('first'))
    let ended = false
    const reading = read({ follow: { ended: () => ended } })
    await sleep(30)
    renameSync(file, `${file}.moved`)
    appendFileSync(`${file}.moved`, line('second'))
    await sleep(30)
    rmSync(`${file}.moved`)
    ended = true
    expect(texts(await reading)).toEqual(['first\n', 'second\n'])
  })
})
