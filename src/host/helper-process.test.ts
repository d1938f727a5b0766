import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Job, type ProgressEvent, silentJob } from '../core/index.ts'
import { isRoot, isRunning, processesWith, startChild, temporaryFolder, until } from './child.suite.ts'
import { type HelperOptions, HelperProcess } from './index.ts'

/** What the helper of these tests offers. */
type Methods = {
  echo(params: unknown, job: Job): Promise<unknown>
  whoAmI(params: unknown, job: Job): Promise<{ pid: number; mounts: string; pids: string }>
  count(params: { to: number }, job: Job): Promise<number>
  refuse(params: { hint?: string }, job: Job): Promise<never>
  break(params: unknown, job: Job): Promise<never>
  fill(params: unknown, job: Job): Promise<never>
  unsendable(params: unknown, job: Job): Promise<unknown>
  untilStopped(params: unknown, job: Job): Promise<string>
  spawnFamily(params: { marker: string }, job: Job): Promise<void>
  mount(params: { at: string }, job: Job): Promise<void>
  busy(params: { milliseconds: number }, job: Job): Promise<void>
  chatter(params: { milliseconds: number }, job: Job): Promise<void>
}

const PROGRAM = `
import { spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'
const host = await import(${JSON.stringify(new URL('./index.ts', import.meta.url).href)})
const core = await import(${JSON.stringify(new URL('../core/index.ts', import.meta.url).href)})
host.serveHelper({
  echo: async (params) => params,
  whoAmI: async () => ({ pid: process.pid, mounts: readlinkSync('/proc/self/ns/mnt'), pids: readlinkSync('/proc/self/ns/pid') }),
  count: async ({ to }, job) => {
    for (let i = 0; i < to; i++) job.progress({ type: 'bytes', task: 't', done: i })
    job.progress({ type: 'log', task: 't', stream: 'stdout', chunk: Buffer.from([0, 255]) })
    return to
  },
  refuse: async ({ hint }) => {
    throw core.fail('RUNTIME_FAILED', 'it refused', { data: { exitCode: 126 }, ...(hint ? { hint } : {}) })
  },
  break: async () => { throw new TypeError('oh dear') },
  fill: async () => {
    const cause = Object.assign(new Error('write'), { code: 'ENOSPC', path: '/some/file' })
    throw core.fail('STORE_UNUSABLE', 'it stopped', { cause })
  },
  unsendable: async () => () => 1,
  untilStopped: (_, job) => new Promise((resolve) => {
    if (job.signal.aborted) resolve('stopped before')
    else job.signal.addEventListener('abort', () => resolve('stopped'))
  }),
  spawnFamily: async ({ marker }) => {
    const script = 'setsid sh -c "sleep 1000; : $0" "$0" & sh -c "trap \\'\\' TERM INT HUP; sleep 1000; : $0" "$0" & wait'
    spawn('sh', ['-c', script, marker], { detached: true, stdio: 'ignore' })
  },
  mount: async ({ at }) => {
    host.adoptPrivateMounts()
    host.mount({ type: 'tmpfs', source: 'test', options: [] }, at)
  },
  busy: async ({ milliseconds }) => {
    const end = Date.now() + milliseconds
    while (Date.now() < end);
  },
  chatter: async ({ milliseconds }, job) => {
    const end = Date.now() + milliseconds
    while (Date.now() < end) job.progress({ type: 'bytes', task: 't', done: 1 })
  },
})
`

let entry: URL
const helpers: HelperProcess<Methods>[] = []

beforeEach(() => {
  const file = path.join(temporaryFolder(), 'helper.mjs')
  writeFileSync(file, PROGRAM)
  entry = pathToFileURL(file)
})

afterEach(async () => {
  for (const helper of helpers.splice(0)) await helper[Symbol.asyncDispose]()
})

function open(options: HelperOptions = {}): HelperProcess<Methods> {
  const helper = new HelperProcess<Methods>(entry, options)
  helpers.push(helper)
  return helper
}

describe('a call', () => {
  test('takes plain data there and back', async () => {
    const value = {
      text: 'ä',
      bytes: Buffer.from([0, 255]),
      big: 2n ** 70n,
      list: [1, undefined],
      map: new Map([[1, 2]]),
    }
    const back = (await open().call('echo', value)) as typeof value
    expect(back).toMatchObject({ text: 'ä', big: 2n ** 70n, list: [1, undefined], map: new Map([[1, 2]]) })
    expect(Buffer.from(back.bytes)).toEqual(Buffer.from([0, 255]))
  })

  test('runs beside others; each gets its own answer', async () => {
    const helper = open()
    const answers = await Promise.all(Array.from({ length: 100 }, (_, i) => helper.call('echo', i)))
    expect(answers).toEqual(Array.from({ length: 100 }, (_, i) => i))
  })

  test('is not held up by one that waits', async () => {
    const helper = open()
    const stop = new AbortController()
    const waiting = helper.call('untilStopped', 0, { ...silentJob, signal: stop.signal })
    expect(await helper.call('echo', 1)).toBe(1)
    stop.abort()
    expect(await waiting).toBe('stopped')
  })

  test('reports progress, all of it, in order, before its result', async () => {
    const events: ProgressEvent[] = []
    const result = await open().call('count', { to: 1000 }, { progress: (event) => void events.push(event) })
    expect(result).toBe(1000)
    expect(events.length).toBe(1001)
    expect(events.slice(0, 1000).map((event) => event.type === 'bytes' && event.done)).toEqual([...Array(1000).keys()])
    const last = events.at(-1)!
    expect(last.type === 'log' && Buffer.from(last.chunk)).toEqual(Buffer.from([0, 255]))
  })

  test('fails as it failed there: code, message, hint and data', async () => {
    const helper = open()
    await expect(helper.call('refuse', { hint: 'try again' })).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      fault: 'internal',
      message: 'it refused',
      hint: 'try again',
      data: { exitCode: 126 },
    })
    await expect(helper.call('refuse', {})).rejects.toMatchObject({ hint: undefined, data: { exitCode: 126 } })
    await expect(helper.call('break', 0)).rejects.toMatchObject({
      code: 'INTERNAL',
      message: /TypeError: oh dear\n.*at /,
    })
    await expect(helper.call('fill', 0)).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: 'it stopped (/some/file)',
      hint: /free some space/,
    })
    expect(await helper.call('echo', 'still there')).toBe('still there')
  })

  test('fails when it or its result cannot be sent, or there is no such method', async () => {
    const helper = open()
    await expect(helper.call('unsendable', 0)).rejects.toMatchObject({ message: /could not be cloned/ })
    await expect(helper.call('echo', () => 1)).rejects.toThrow(/could not be cloned/)
    await expect(helper.call('nonsense' as 'echo', 0)).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  test('that is stopped before it begins, or whose job is done, is stopped all the same or not at all', async () => {
    const helper = open()
    expect(await helper.call('untilStopped', 0, { ...silentJob, signal: AbortSignal.abort() })).toMatch(/^stopped/)
    const stop = new AbortController()
    expect(await helper.call('echo', 1, { ...silentJob, signal: stop.signal })).toBe(1)
    stop.abort()
    expect(await helper.call('echo', 2)).toBe(2)
  })
})

describe('the life of a helper', () => {
  test('ends when it is disposed, and calls that wait fail', async () => {
    const helper = open()
    const { pid } = await helper.call('whoAmI', 0)
    const waiting = helper.call('untilStopped', 0)
    waiting.catch(() => {})
    await helper[Symbol.asyncDispose]()
    expect(isRunning(pid)).toBe(false)
    await expect(waiting).rejects.toMatchObject({ code: 'INTERNAL', message: /helper process stopped/ })
    await helper[Symbol.asyncDispose]() // twice is no error
  })

  test('killed: calls fail clearly, those under way and later ones', async () => {
    const helper = open()
    const { pid } = await helper.call('whoAmI', 0)
    const waiting = helper.call('untilStopped', 0)
    process.kill(pid, 'SIGKILL')
    const failure = { code: 'INTERNAL', message: 'a helper process stopped unexpectedly: it ended with SIGKILL' }
    await expect(waiting).rejects.toMatchObject(failure)
    await expect(helper.call('echo', 1)).rejects.toMatchObject(failure)
  })

  test('a program that cannot start fails the first call', async () => {
    const file = path.join(temporaryFolder(), 'broken.mjs')
    writeFileSync(file, 'process.exit(7)')
    const helper = new HelperProcess<Methods>(pathToFileURL(file), {})
    helpers.push(helper)
    await expect(helper.call('echo', 1)).rejects.toMatchObject({ message: /it ended with 7$/ })
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s does not end it: its starter decides', async (signal) => {
    const helper = open()
    const { pid } = await helper.call('whoAmI', 0)
    process.kill(pid, signal)
    expect(await helper.call('echo', signal)).toBe(signal)
  })

  test('ends with its starter', async () => {
    const pid = await starter({})
    await until(() => !isRunning(pid), 'the helper has ended')
  })

  test('that is still talking when it is disposed ends without a word', async () => {
    const child = startChild(
      async ({ host }, args) => {
        const helper = new host.HelperProcess(new URL(args.entry), {})
        let dispose = (): void => {}
        const disposed = new Promise<void>((resolve) => {
          dispose = resolve
        })
        helper.call('chatter', { milliseconds: 300 } as never, { progress: dispose }).catch(() => {})
        await disposed
        await helper[Symbol.asyncDispose]()
      },
      { entry: entry.href },
    )
    await child.next()
    expect(await child.ended).toEqual({ code: 0, signal: null })
    expect(child.errors).toBe('')
  })

  /** Kills a process that has started a helper; returns the helper's pid. */
  async function starter(options: HelperOptions): Promise<number> {
    const child = startChild(
      async ({ host, tell, linger }, args) => {
        const helper = new host.HelperProcess(new URL(args.entry), args.options)
        tell(((await helper.call('whoAmI', 0 as never)) as { pid: number }).pid)
        return linger()
      },
      { entry: entry.href, options },
    )
    const pid = await child.next<number>()
    child.kill('SIGKILL')
    await child.ended
    return pid
  }
})

describe.skipIf(!isRoot)('a confined helper (needs root)', () => {
  const marker = (): string => `family-${process.pid}-${Math.random().toString(36).slice(2)}`

  test('has the namespaces that were asked for', async () => {
    const own = { mounts: readlinkSync('/proc/self/ns/mnt'), pids: readlinkSync('/proc/self/ns/pid') }
    const mounts = await open({ mounts: true }).call('whoAmI', 0)
    expect(mounts.mounts).not.toBe(own.mounts)
    expect(mounts.pids).toBe(own.pids)
    const both = await open({ mounts: true, processes: true }).call('whoAmI', 0)
    expect(both.mounts).not.toBe(own.mounts)
    expect(both.pids).not.toBe(own.pids)
    expect(both.pid).toBe(1)
  })

  test('takes its mounts with it', async () => {
    const at = temporaryFolder()
    const helper = open({ mounts: true })
    await helper.call('mount', { at })
    const { pid } = await helper.call('whoAmI', 0)
    expect(readdirSync(at)).toEqual([])
    process.kill(pid, 'SIGKILL')
    await expect(helper.call('untilStopped', 0)).rejects.toThrow(/stopped unexpectedly/)
  })

  test('takes everything that it started with it when it is disposed', async () => {
    const name = marker()
    const helper = open({ mounts: true, processes: true })
    await helper.call('spawnFamily', { marker: name })
    await until(() => processesWith(name).length >= 3, 'the family is there')
    await helper[Symbol.asyncDispose]()
    await until(() => processesWith(name).length === 0, 'the family is gone')
  })

  test('and when its starter is killed, even while it is busy', async () => {
    const name = marker()
    const child = startChild(
      async ({ host, tell, linger }, args) => {
        const helper = new host.HelperProcess(new URL(args.entry), { mounts: true, processes: true })
        await helper.call('spawnFamily', { marker: args.name } as never)
        void helper.call('busy', { milliseconds: 1000 } as never).catch(() => {})
        tell('ready')
        return linger()
      },
      { entry: entry.href, name },
    )
    await child.next()
    await until(() => processesWith(name).length >= 3, 'the family is there')
    child.kill('SIGKILL')
    await until(() => processesWith(name).length === 0, 'the family is gone')
    await until(() => processesWith(entry.pathname).length === 0, 'the helper is gone')
  })

  test('and when what stands between them is killed', async () => {
    const name = marker()
    const helper = open({ mounts: true, processes: true })
    await helper.call('spawnFamily', { marker: name })
    await until(() => processesWith(name).length >= 3, 'the family is there')
    const unshare = processesWith(entry.pathname).find((pid) => readlinkSync(`/proc/${pid}/exe`).endsWith('unshare'))!
    process.kill(unshare, 'SIGKILL')
    await expect(helper.call('untilStopped', 0)).rejects.toThrow(/stopped unexpectedly/)
    await until(() => processesWith(name).length === 0, 'the family is gone')
  })

  test('without a namespace for processes leaves what it started running', async () => {
    const name = marker()
    const helper = open({ mounts: true })
    await helper.call('spawnFamily', { marker: name })
    await until(() => processesWith(name).length >= 3, 'the family is there')
    await helper[Symbol.asyncDispose]()
    expect(processesWith(name).length).toBeGreaterThanOrEqual(3)
    for (const pid of processesWith(name)) process.kill(pid, 'SIGKILL')
  })
})
