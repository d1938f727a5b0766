import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { processesWith, until } from '../host/child.suite.ts'
import { canRun, hearingJob, openWorkshop, RUNTIMES, runStep } from './fixture.suite.ts'
import { errorOfLine, startFailure } from './runtime.ts'

describe('a process that could not be started', () => {
  const notFound = 'exec: "nope": executable file not found in $PATH'
  const denied = 'exec: "nope": permission denied'

  test.each([
    // as crun and runc say it, alone and through conmon
    ['executable file `nope` not found in $PATH: No such file or directory', notFound, 127],
    ['open executable: No such file or directory', notFound, 127],
    [
      'runc create failed: unable to start container process: exec: "nope": executable file not found in $PATH',
      notFound,
      127,
    ],
    [
      'runc run failed: unable to start container process: exec: "nope": executable file not found in $PATH',
      notFound,
      127,
    ],
    [
      'exec: "/nope": stat /nope: no such file or directory',
      'exec: "/nope": stat /nope: no such file or directory',
      127,
    ],
    ['open executable: Permission denied', denied, 126],
    ['open executable: Operation not permitted', denied, 126],
    ['crun: exec: "nope": permission denied', denied, 126],
    ['exec /bin/no-format: exec format error', 'exec /bin/no-format: exec format error', 126],
    ['cannot set up the cgroup', 'cannot set up the cgroup', 125],
  ])('%s', (problem, worded, exitCode) => {
    expect(startFailure(problem, 'nope')).toMatchObject({
      code: 'RUNTIME_FAILED',
      message: `unable to start container process: ${worded}`,
      data: { exitCode },
    })
  })

  test('a path is looked up, a name is searched for', () => {
    const problem = 'executable file `/bin/nope` not found in $PATH: No such file or directory'
    expect(startFailure(problem, '/bin/nope').message).toContain(
      'exec: "/bin/nope": stat /bin/nope: no such file or directory',
    )
  })
})

describe('an error in a runtime’s log', () => {
  const message = 'exec: "nope": not found \\ here'
  test.each([
    [message, message],
    [`2024-05-06T07:08:09.123456Z: ${message}`, message],
    [JSON.stringify({ msg: message, level: 'error', time: '2024-05-06T07:08:09.123456Z' }), message],
    [`time="2024-05-06T07:08:09Z" level=error msg=${JSON.stringify(message)}`, message],
    ['time="2024-05-06T07:08:09Z" level=error msg=short', 'short'],
    ['time="2024-05-06T07:08:09Z" level=warning msg="be careful"', undefined],
    ['{"level":"warning","msg":"be careful"}', undefined],
    ['{"level":"error"', undefined],
    ['', undefined],
  ])('%s', (line, expected) => {
    expect(errorOfLine(line)).toBe(expected)
  })
})

describe.skipIf(!canRun).each(RUNTIMES)('%s (needs root, a runtime, conmon and busybox)', (runtime) => {
  test.each([
    [['true'], 0],
    [['false'], 1],
    [['sh', '-c', 'exit 42'], 42],
    [['sh', '-c', 'exit 255'], 255],
    // a shell runs its last command in its own place, and the first process of a container ignores what it sends itself
    [['sh', '-c', 'sh -c "kill -TERM \\$\\$"; exit $?'], 143],
    [['sh', '-c', 'sh -c "kill -KILL \\$\\$"; exit $?'], 137],
  ])('%j ends with %i', async (args, expected) => {
    const workshop = await openWorkshop({ processes: true })
    expect(await runStep(workshop, { args }, { runtime })).toMatchObject({ exitCode: expected, stdout: '' })
  })

  test.each([
    ['no such program', { args: ['nope'] }, 127],
    ['no such path', { args: ['/no/such/program'] }, 127],
    ['a program outside of PATH', { args: ['ls'], env: ['PATH=/nowhere'] }, 127],
    ['a file that may not be executed', { args: ['/etc/not-a-program'] }, 126],
    ['a folder', { args: ['/etc'] }, 126],
  ])('%s: an error with Docker’s words and exit code', async (_what, process, exitCode) => {
    const workshop = await openWorkshop({ processes: true })
    const running = runStep(workshop, process, { runtime })
    const reason = exitCode === 126 ? 'permission denied' : '(executable file not found|no such file or directory)'
    await expect(running).rejects.toMatchObject({
      code: 'RUNTIME_FAILED',
      message: expect.stringMatching(`^unable to start container process: exec: "${process.args[0]}": .*${reason}`),
      data: { exitCode },
    })
  })

  test('a file that is no program says so on its standard error', async () => {
    const workshop = await openWorkshop({ processes: true })
    const { exitCode, stderr } = await runStep(workshop, { args: ['/bin/no-format'] }, { runtime })
    expect(exitCode).toBeGreaterThan(0)
    expect(stderr).toMatch(/^exec .*\/bin\/no-format.*exec format error\n$/i)
  })

  test('an unknown user is named', async () => {
    const workshop = await openWorkshop({ processes: true })
    const running = runStep(workshop, { args: ['true'] }, { runtime, user: 'nobody-here' })
    await expect(running).rejects.toMatchObject({ code: 'USER_UNKNOWN', message: /unable to find user nobody-here/ })
  })

  test('output comes from both streams, whole and in order', async () => {
    const workshop = await openWorkshop({ processes: true })
    const script = 'i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done'
    const { stdout, stderr } = await runStep(workshop, { args: ['sh', '-c', script] }, { runtime })
    const numbers = Array.from({ length: 2000 }, (_, i) => i)
    expect(stdout).toBe(numbers.map((i) => `out ${i}\n`).join(''))
    expect(stderr).toBe(numbers.map((i) => `err ${i}\n`).join(''))
  })

  test.each([
    ['root', ''],
    ['another user', 'web'],
  ])('scripts of %s may open their output again', async (_who, user) => {
    const workshop = await openWorkshop({ processes: true })
    const script = 'echo one > /dev/stdout; echo two > /dev/stderr; echo three | tee /dev/stderr'
    expect(await runStep(workshop, { args: ['sh', '-c', script] }, { runtime, user })).toEqual({
      exitCode: 0,
      stdout: 'one\nthree\n',
      stderr: 'two\nthree\n',
    })
  })

  test('there is no input', async () => {
    const workshop = await openWorkshop({ processes: true })
    expect(await runStep(workshop, { args: ['cat'] }, { runtime })).toMatchObject({ exitCode: 0, stdout: '' })
  })

  test('a job that is stopped kills it and everything that it started', async () => {
    const workshop = await openWorkshop({ processes: true })
    const stop = new AbortController()
    const job = hearingJob(stop.signal)
    const marker = `sleep 9${Date.now() % 100_000}`
    const script = `trap "" TERM INT; ${marker} & setsid ${marker} & echo started; wait`
    const running = runStep(workshop, { args: ['sh', '-c', script] }, { runtime, job })
    running.catch(() => {})
    await until(() => job.said('stdout') === 'started\n' && processesWith(marker).length >= 2, 'it runs')
    stop.abort()
    await expect(running).rejects.toMatchObject({ code: 'CANCELED' })
    await until(() => processesWith(marker).length === 0, 'all is gone')
  })

  test('leaves nothing: no state, no mount, no folder', async () => {
    const workshop = await openWorkshop({ processes: true })
    await runStep(workshop, { args: ['true'] }, { runtime })
    await expect(runStep(workshop, { args: ['nope'] }, { runtime })).rejects.toThrow()
    const { stateFolder } = workshop.machine.runtime()
    expect(existsSync(stateFolder) ? readdirSync(stateFolder) : []).toEqual([])
    const groups = ['/sys/fs/cgroup', '/sys/fs/cgroup/devices', '/sys/fs/cgroup/pids'].map((at) => `${at}/slipway`)
    const left = groups.flatMap((group) => (existsSync(group) ? readdirSync(group) : []))
    expect(left.filter((name) => name.startsWith(`unit-${process.pid}-`))).toEqual([])
  })

  test('what the process leaves running ends with it', async () => {
    const workshop = await openWorkshop({ processes: true })
    const marker = `sleep 8${Date.now() % 100_000}`
    const script = `setsid ${marker} < /dev/null > /dev/null 2>&1 & echo done`
    expect(await runStep(workshop, { args: ['sh', '-c', script] }, { runtime })).toMatchObject({ stdout: 'done\n' })
    await until(() => processesWith(marker).length === 0, 'it is gone')
  })
})

test.skipIf(!canRun)(
  'when the starter of a keeper goes, its step goes (needs root, a runtime, conmon and busybox)',
  async () => {
    const workshop = await openWorkshop({ processes: true })
    const marker = `sleep 7${Date.now() % 100_000}`
    const job = hearingJob()
    const running = runStep(workshop, { args: ['sh', '-c', `echo started; ${marker}`] }, { job })
    await until(() => job.said('stdout') === 'started\n', 'it runs')
    await workshop.machine[Symbol.asyncDispose]()
    await expect(running).rejects.toMatchObject({ code: 'INTERNAL' })
    await until(() => processesWith(marker).length === 0, 'it is gone')
  },
)
