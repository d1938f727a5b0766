import { existsSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { silentJob } from '../core/index.ts'
import { type Child, startChild, temporaryFolder } from './child.suite.ts'
import { lock, tryLock } from './index.ts'

/** A process that takes a lock, says so, and keeps it until it is killed or told to let go. */
async function holder(file: string, kind: 'shared' | 'exclusive' = 'exclusive'): Promise<Child> {
  const child = startChild(
    async ({ host, tell, hear }, args) => {
      const taken = await host.lock(args.file, { kind: args.kind })
      tell('held')
      await hear()
      taken.release()
      tell('released')
      await hear()
    },
    { file, kind },
  )
  expect(await child.next()).toBe('held')
  return child
}

const newFile = (): string => `${temporaryFolder()}/lock`

describe('a lock', () => {
  test('makes its file, for its owner only', () => {
    const file = newFile()
    tryLock(file)!.release()
    expect(existsSync(file)).toBe(true)
    expect(statSync(file).mode & 0o777).toBe(0o600 & ~process.umask())
  })

  test('excludes a second holder in the same process, too', () => {
    const file = newFile()
    const first = tryLock(file)!
    expect(tryLock(file)).toBeUndefined()
    expect(tryLock(file, 'shared')).toBeUndefined()
    first.release()
    first.release()
    const second = tryLock(file)
    expect(second).toBeDefined()
    second!.release()
  })

  test('releasing twice does not close what somebody else has opened meanwhile', () => {
    const [a, b] = [newFile(), newFile()]
    const first = tryLock(a)!
    first.release()
    const second = tryLock(b)! // gets the same descriptor
    first.release()
    expect(tryLock(b)).toBeUndefined()
    second.release()
  })

  test('excludes other processes until it is released', async () => {
    const file = newFile()
    const child = await holder(file)
    expect(tryLock(file)).toBeUndefined()
    child.say('let go')
    expect(await child.next()).toBe('released')
    await using taken = await lock(file)
    expect(taken).toBeDefined()
    expect(tryLock(file)).toBeUndefined()
  })

  test('goes with its holder, however that dies', async () => {
    const file = newFile()
    const child = await holder(file)
    const waiting = lock(file)
    child.kill('SIGKILL')
    await child.ended
    ;(await waiting).release()
  })

  test('is not inherited by programs that the holder starts', async () => {
    const file = newFile()
    const child = startChild(async ({ host, childProcess, tell, linger }, target) => {
      await host.lock(target)
      const sleeper = childProcess.spawn('sleep', ['30'], { detached: true, stdio: 'ignore' })
      tell(sleeper.pid)
      return linger()
    }, file)
    const sleeper = await child.next<number>()
    child.kill('SIGKILL')
    await child.ended
    try {
      tryLock(file)!.release()
    } finally {
      process.kill(sleeper, 'SIGKILL')
    }
  })

  test('shared ones go together and keep an exclusive one out', async () => {
    const file = newFile()
    await holder(file, 'shared')
    await holder(file, 'shared')
    const own = tryLock(file, 'shared')!
    expect(tryLock(file, 'exclusive')).toBeUndefined()
    own.release()
    expect(tryLock(file, 'exclusive')).toBeUndefined()
  })

  test('waiting can be stopped', async () => {
    const file = newFile()
    const held = tryLock(file)!
    const stop = new AbortController()
    const waiting = lock(file, {}, { ...silentJob, signal: stop.signal })
    stop.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELED' })
    await expect(lock(file, {}, { ...silentJob, signal: stop.signal })).rejects.toMatchObject({ code: 'CANCELED' })
    held.release()
  })

  test('where there is no folder fails at once', async () => {
    await expect(lock(`${temporaryFolder()}/none/lock`)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('two processes that count in a file under it lose nothing', async () => {
    const folder = temporaryFolder()
    const count = (args: { folder: string }): Child =>
      startChild(async ({ host, fs }, { folder: at }) => {
        const file = `${at}/count`
        for (let i = 0; i < 100; i++) {
          const taken = await host.lock(`${at}/lock`)
          const before = fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0
          await new Promise((resolve) => setImmediate(resolve))
          fs.writeFileSync(file, String(before + 1))
          taken.release()
        }
        return Number(fs.readFileSync(file, 'utf8'))
      }, args)
    const results = await Promise.all([count({ folder }), count({ folder })].map((child) => child.next()))
    expect(Math.max(...results.map((each) => (each as { result: number }).result))).toBe(200)
  })
})
