import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { silentJob } from '../core/index.ts'
import { until } from '../host/child.suite.ts'
import { canRun, openBusyboxEngine } from './fixture.suite.ts'
import type { CreateRequest, Engine } from './index.ts'

async function start(engine: Engine, script: string, changes: Partial<CreateRequest> = {}): Promise<string> {
  const request = { image: 'busybox', command: ['sh', '-c', script], network: 'none' as const, ...changes }
  const { id } = engine.containers.create(request)
  await engine.containers.start(id)
  return id
}

async function logs(engine: Engine, id: string, options = {}): Promise<string> {
  let text = ''
  for await (const entry of engine.containers.logs(id, options)) text += `${entry.stream}: ${entry.text}`
  return text
}

const stateOf = (engine: Engine, id: string) => engine.containers.list().find((each) => each.id === id)!.state

describe.skipIf(!canRun)('a container (needs root, a runtime, conmon and busybox)', () => {
  test('runs, ends, and can be asked afterwards', async () => {
    const { engine } = await openBusyboxEngine()
    const id = await start(engine, 'echo out; echo err >&2; exit 5')
    expect(await engine.containers.wait(id)).toBe(5)
    expect(stateOf(engine, id)).toMatchObject({ status: 'exited', exitCode: 5, finishedAt: expect.any(Date) })
    expect((await logs(engine, id)).split('\n').toSorted()).toEqual(['', 'stderr: err', 'stdout: out'])
    expect(engine.containers.inspect(id)).toMatchObject({ State: { Status: 'exited', ExitCode: 5, Running: false } })
  })

  test('never started: nothing was said, nothing is waited for, and there is nothing to stop', async () => {
    const { engine } = await openBusyboxEngine()
    const { id } = engine.containers.create({ image: 'busybox', name: 'box' })
    expect(stateOf(engine, id).status).toBe('created')
    expect(await logs(engine, id)).toBe('')
    expect(await engine.containers.wait(id)).toBe(0)
    await engine.containers.stop(id, { seconds: 1 })
    await expect(engine.containers.kill('box', 'KILL')).rejects.toThrow(
      `cannot kill container: box: container ${id} is not running`,
    )
  })

  test('keeps what it wrote from one start to the next, and its log', async () => {
    const { engine } = await openBusyboxEngine()
    const id = await start(engine, 'cat /mark 2>/dev/null; echo again > /mark; echo end')
    await engine.containers.wait(id)
    await engine.containers.start(id)
    await engine.containers.wait(id)
    expect(await logs(engine, id)).toBe('stdout: end\nstdout: again\nstdout: end\n')
  })

  test('starting what runs does nothing', async () => {
    const { engine } = await openBusyboxEngine()
    const id = await start(engine, 'sleep 100')
    const { pid } = stateOf(engine, id)
    await engine.containers.start(id)
    expect(stateOf(engine, id)).toMatchObject({ status: 'running', pid })
  })

  test('is stopped by its signal, and killed when it does not listen', async () => {
    const { engine } = await openBusyboxEngine()
    const script = 'trap "exit 3" USR1; trap "" TERM; echo ready; while :; do sleep 0.05; done'
    const polite = await start(engine, script, { stopSignal: 'SIGUSR1' })
    const deaf = await start(engine, script)
    for (const id of [polite, deaf]) await untilSaid(engine, id, 'ready')
    await engine.containers.stop(polite, { seconds: 30 })
    expect(stateOf(engine, polite).exitCode).toBe(3)
    await engine.containers.stop(deaf, { seconds: 0 })
    expect(stateOf(engine, deaf).exitCode).toBe(137)
    // twice is no mistake
    await engine.containers.stop(deaf, { seconds: 0 })
  })

  test('signals have names and numbers', async () => {
    const { engine } = await openBusyboxEngine()
    const script = 'trap "echo one" USR1; trap "echo two; exit 0" 12; echo ready; while :; do sleep 0.05; done'
    const id = await start(engine, script)
    await untilSaid(engine, id, 'ready')
    await engine.containers.kill(id, 'usr1')
    await untilSaid(engine, id, 'one')
    await engine.containers.kill(id, '12')
    expect(await engine.containers.wait(id)).toBe(0)
    expect(await logs(engine, id)).toContain('two')
  })

  test('a signal that there is not is refused', async () => {
    const { engine } = await openBusyboxEngine()
    const id = await start(engine, 'sleep 100', { name: 'sleeper' })
    await expect(engine.containers.kill(id, 'FOO')).rejects.toThrow(
      'cannot kill container: sleeper: invalid signal: FOO',
    )
  })

  test('is not removed while it runs, unless forced; then nothing is left', async () => {
    const { engine, store } = await openBusyboxEngine()
    const id = await start(engine, 'sleep 100', { name: 'runner' })
    await expect(engine.containers.remove('runner')).rejects.toMatchObject({
      code: 'CONTAINER_RUNNING',
      message:
        'cannot remove container "runner": container is running: stop the container before removing or force remove',
    })
    await engine.containers.remove('runner', { force: true })
    expect(engine.containers.list()).toEqual([])
    expect(existsSync(`${store.layout.containers}/${id}`)).toBe(false)
    await expect(engine.containers.wait(id)).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND' })
  })

  test('its image cannot be removed while it runs, by id not even with force', async () => {
    const { engine } = await openBusyboxEngine()
    const id = await start(engine, 'sleep 100')
    const image = engine.images.inspect('busybox')['Id'] as string
    expect(() => engine.images.remove(image, { force: true })).toThrow(
      `conflict: unable to delete ${image.slice(7, 19)} (cannot be forced) - image is being used by running container ${id.slice(0, 12)}`,
    )
  })

  test('its log is followed to the end', async () => {
    const { engine } = await openBusyboxEngine()
    const id = await start(engine, 'echo one; sleep 0.3; echo two')
    expect(await logs(engine, id, { follow: true })).toBe('stdout: one\nstdout: two\n')
  })

  test('following ends when it is removed', async () => {
    const { engine } = await openBusyboxEngine()
    const id = await start(engine, 'echo one; sleep 100')
    await untilSaid(engine, id, 'one')
    const following = logs(engine, id, { follow: true })
    await engine.containers.remove(id, { force: true })
    expect(await following).toBe('stdout: one\n')
  })

  test('waiting can be given up, and the container goes on', async () => {
    const { engine } = await openBusyboxEngine()
    const id = await start(engine, 'sleep 100')
    const giveUp = new AbortController()
    const waiting = engine.containers.wait(id, { ...silentJob, signal: giveUp.signal })
    giveUp.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELED' })
    expect(stateOf(engine, id).status).toBe('running')
  })

  test('one that cannot start says why, and stays as it was', async () => {
    const { engine } = await openBusyboxEngine()
    const { id } = engine.containers.create({ image: 'busybox', command: ['nope'], network: 'none' })
    await expect(engine.containers.start(id)).rejects.toMatchObject({ code: 'RUNTIME_FAILED', data: { exitCode: 127 } })
    expect(stateOf(engine, id).status).toBe('created')
  })

  test('sees its own host files, user, folder and mounts', async () => {
    const { engine, store } = await openBusyboxEngine()
    const id = await start(
      engine,
      'cat /etc/hostname; grep db /etc/hosts; id -g; pwd; ls /in; touch /in/x; mount | grep -c " /scratch "',
      {
        hostname: 'named',
        extraHosts: ['db=10.1.2.3'],
        user: '0:5',
        cwd: '/some/where',
        mounts: [
          { type: 'bind', source: store.layout.containers, target: '/in', readonly: true },
          { type: 'tmpfs', target: '/scratch' },
        ],
      },
    )
    await engine.containers.wait(id)
    const text = await logs(engine, id)
    expect(text).toMatch(/stdout: named\nstdout: 10\.1\.2\.3\s+db\nstdout: 5\nstdout: \/some\/where\n/)
    expect(text).toContain(`stdout: ${id}`)
    expect(text).toMatch(/stderr: .*Read-only/)
    expect(text).toContain('stdout: 1\n')
  })

  test('info counts them', async () => {
    const { engine } = await openBusyboxEngine()
    await start(engine, 'sleep 100')
    engine.containers.create({ image: 'busybox' })
    expect(await engine.info()).toMatchObject({
      images: 1,
      containers: { total: 2, running: 1, stopped: 1 },
      snapshotter: expect.stringMatching(/^(erofs|directory)$/),
      runtime: expect.stringMatching(/(crun|runc)$/),
      rootless: false,
    })
  })
})

async function untilSaid(engine: Engine, id: string, word: string): Promise<void> {
  let text = ''
  const look = async (): Promise<void> => {
    text = await logs(engine, id)
  }
  await until(() => {
    look().catch(() => {})
    return text.includes(word)
  }, `it says ${word}`)
}

describe('what is not there', () => {
  test.each(['inspect', 'wait', 'remove', 'start'] as const)('%s', async (verb) => {
    const { engine } = await import('./fixture.suite.ts').then((suite) => suite.openTestEngine())
    const call = async (): Promise<unknown> => engine.containers[verb]('nosuch')
    await expect(call()).rejects.toMatchObject({
      code: 'CONTAINER_NOT_FOUND',
      message: 'No such container: nosuch',
    })
  })
})
