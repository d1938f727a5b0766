import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { canRun } from '../../engine/fixture.suite.ts'
import { temporaryFolder, until } from '../../host/child.suite.ts'
import { type Answer, type CommandLine, openCommandLine, removeContainers } from '../fixture.suite.ts'

const NEEDS = '(needs root, a runtime, conmon and busybox)'
let slipway: CommandLine

beforeEach(async () => {
  slipway = openCommandLine()
  if (canRun) await slipway('bootstrap', 'busybox')
})

afterEach(() => removeContainers(slipway.root))

/** `run --rm --network none`. */
const run = (...argv: string[]): Promise<Answer> => slipway('run', '--rm', '--network', 'none', ...argv)

describe.skipIf(!canRun)(`run ${NEEDS}`, () => {
  test('gives output and exit code, and leaves nothing with --rm', async () => {
    const answer = await run('busybox', 'sh', '-c', 'echo out; echo err >&2; exit 6')
    expect(answer).toEqual({ code: 6, out: 'out\n', err: 'err\n' })
    expect((await slipway('ps', '-aq')).out).toBe('')
  })

  test('what follows the image belongs to the program', async () => {
    expect((await run('busybox', 'echo', '--rm', '-x')).out).toBe('--rm -x\n')
  })

  test('gives it input with -i, and none without', async () => {
    const argv = ['run', '--rm', '--network', 'none']
    expect((await slipway.with('some text', ...argv, '-i', 'busybox', 'cat')).out).toBe('some text')
    expect((await slipway.with('some text', ...argv, 'busybox', 'cat')).out).toBe('')
  })

  test('sets what it is told', async () => {
    const file = path.join(temporaryFolder(), 'env')
    writeFileSync(file, '# comment\n\nIN_FILE=yes\nFROM_OUTSIDE\n')
    const flags = [
      '-e',
      'A=1',
      '-e',
      'FROM_OUTSIDE',
      '--env-file',
      file,
      '-w',
      '/tmp',
      '-u',
      '7:8',
      '--hostname',
      'box',
    ]
    const script = 'echo $A $FROM_OUTSIDE $IN_FILE; pwd; id -u; id -g; hostname'
    expect((await run(...flags, 'busybox', 'sh', '-c', script)).out).toBe('1 seen yes\n/tmp\n7\n8\nbox\n')
  })

  test('mounts what it is told', async () => {
    const folder = temporaryFolder()
    writeFileSync(path.join(folder, 'f'), 'content')
    const script =
      'cat /in/f; touch /in/g 2>&1 | grep -o Read-only; mount | grep -c " /scratch tmpfs\\| /scratch type tmpfs"'
    const flags = ['-v', `${folder}:/in:ro`, '--tmpfs', '/scratch', '--read-only']
    expect((await run(...flags, 'busybox', 'sh', '-c', script)).out).toBe('contentRead-only\n1\n')
  })

  test('--entrypoint takes the place of what the image says', async () => {
    expect((await run('--entrypoint', 'echo', 'busybox', 'a', 'b')).out).toBe('a b\n')
  })

  test.each([
    [['busybox', 'nope'], 127, 'exec: "nope": executable file not found in $PATH'],
    [['busybox', '/etc/passwd'], 126, 'exec: "/etc/passwd": permission denied'],
    [['--pull', 'never', 'nosuch'], 125, 'No such image: nosuch:latest'],
    [['--pull', 'often', 'busybox'], 125, "invalid pull option: 'often': must be one of"],
    [['BAD'], 125, 'invalid reference format: repository name (library/BAD) must be lowercase'],
    [['--name', '!', 'busybox'], 125, 'Invalid container name (!), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'],
    [['--network', 'other', 'busybox'], 125, 'network other not found'],
    [['-w', 'rel', 'busybox'], 125, "the working directory 'rel' is invalid, it needs to be an absolute path"],
    [['--stop-signal', 'FOO', 'busybox'], 125, 'invalid signal: FOO'],
    [['-u', 'nobodyhere', 'busybox'], 125, 'unable to find user nobodyhere: no matching entries in passwd file'],
    [['--env-file', '/nowhere', 'busybox'], 125, 'open /nowhere: no such file or directory'],
    [['-e', '=x', 'busybox'], 125, 'invalid argument "=x" for "-e, --env" flag: invalid environment variable: =x'],
    [['-l', '=x', 'busybox'], 125, `invalid argument "=x" for "-l, --label" flag: invalid label '=x': empty name`],
    [['--shm-size', 'x', 'busybox'], 125, `invalid argument "x" for "--shm-size" flag: invalid size: 'x'`],
    [['-v', '/nowhere:/x', 'busybox'], 125, 'bind source path does not exist: /nowhere'],
    [['-p', '80:80', 'busybox'], 125, '--publish'],
  ])('%j fails with %i', async (argv, code, message) => {
    const answer = await run(...argv)
    expect(answer.err).toContain(message)
    expect(answer.code).toBe(code)
    expect((await slipway('ps', '-aq')).out).toBe('')
  })

  test('a container that cannot start stays without --rm', async () => {
    expect((await slipway('run', '--network', 'none', '--name', 'box', 'busybox', 'nope')).code).toBe(127)
    expect((await slipway('ps', '-a', '--format', '{{.Names}} {{.Status}}')).out).toBe('box Created\n')
  })
})

describe.skipIf(!canRun)(`a container in the background ${NEEDS}`, () => {
  const start = (name: string, ...argv: string[]): Promise<Answer> =>
    slipway('run', '-d', '--network', 'none', '--name', name, 'busybox', ...argv)

  test('is listed, stopped, started again and removed', async () => {
    const { code, out } = await start('box', 'sh', '-c', 'trap "exit 3" TERM; while :; do sleep 0.05; done')
    expect([code, out]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}\n$/)])
    const table = (await slipway('ps')).out
    expect(table).toMatch(/^CONTAINER ID {3}IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES\n/)
    expect(table).toMatch(
      /\n[0-9a-f]{12} {3}busybox {3}"sh -c 'trap.*…" .* Up .* box\n$|busybox {3}"sh -c .*…" .* Up .* box\n$/,
    )
    expect(await slipway('stop', 'box')).toEqual({ code: 0, out: 'box\n', err: '' })
    expect((await slipway('ps', '-a', '--format', '{{.State}} {{.Status}}')).out).toMatch(
      /^exited Exited \(\d+\) .*ago\n$/,
    )
    expect(await slipway('stop', 'box')).toEqual({ code: 0, out: 'box\n', err: '' })
    expect(await slipway('start', 'box')).toEqual({ code: 0, out: 'box\n', err: '' })
    const refused = await slipway('rm', 'box')
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringContaining(
        'cannot remove container "box": container is running: stop the container before removing or force remove',
      ),
    ])
    expect(await slipway('rm', '-f', 'box')).toEqual({ code: 0, out: 'box\n', err: '' })
  })

  test('its name is taken', async () => {
    const id = (await start('box', 'sleep', '100')).out.trim()
    const { code, err } = await start('box', 'true')
    expect(code).toBe(125)
    expect(err).toContain(
      `Conflict. The container name "/box" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
    )
  })

  test('is killed, and waited for', async () => {
    await start('box', 'sleep', '100')
    const waiting = slipway('wait', 'box')
    expect(await slipway('kill', 'box')).toEqual({ code: 0, out: 'box\n', err: '' })
    expect(await waiting).toEqual({ code: 0, out: '137\n', err: '' })
    expect((await slipway('kill', 'box')).err).toMatch(
      /cannot kill container: box: container [0-9a-f]{64} is not running/,
    )
  })

  test('tells its log', async () => {
    await start('box', 'sh', '-c', 'echo one; echo two >&2; sleep 0.05; echo three')
    await slipway('wait', 'box')
    expect(await slipway('logs', 'box')).toMatchObject({ code: 0, out: 'one\nthree\n', err: 'two\n' })
    expect((await slipway('logs', '-n', '1', 'box')).out).toBe('three\n')
    expect((await slipway('logs', '--tail', '0', 'box')).out).toBe('')
    expect((await slipway('logs', '-t', 'box')).out).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z one\n/)
    expect((await slipway('logs', '--since', '2000-01-01', '--until', '2001-01-01', 'box')).out).toBe('')
    expect((await slipway('logs', '-f', 'box')).out).toBe('one\nthree\n')
  })

  test('is attached to when it starts', async () => {
    await slipway('create', '--network', 'none', '--name', 'box', '-i', 'busybox', 'sh', '-c', 'cat; exit 4')
    expect(await slipway.with('typed', 'start', '-ai', 'box')).toEqual({ code: 4, out: 'typed', err: '' })
    expect((await slipway('start', '-a', 'box', 'other')).err).toContain(
      'you cannot start and attach multiple containers at once',
    )
  })

  test('is found by filters', async () => {
    await start('running', 'sleep', '100')
    await slipway('create', '--network', 'none', '--name', 'made', '-l', 'k=v', 'busybox')
    const names = async (...filters: string[]): Promise<string> =>
      (await slipway('ps', '-a', '--format', '{{.Names}}', ...filters.flatMap((each) => ['-f', each]))).out
    expect(await names()).toBe('made\nrunning\n')
    expect(await names('status=running')).toBe('running\n')
    expect(await names('label=k=v')).toBe('made\n')
    expect(await names('name=unni')).toBe('running\n')
    expect(await names('status=created', 'status=running')).toBe('made\nrunning\n')
    expect(await names('ancestor=busybox', 'label=nope')).toBe('')
    expect((await slipway('ps', '-q')).out).toMatch(/^[0-9a-f]{12}\n$/)
    expect((await slipway('ps', '-l', '--format', '{{.Names}}')).out).toBe('made\n')
  })

  test('with --rm is gone when it has ended, though nobody waits', async () => {
    // by a process of its own: the monitor calls the program that started it
    const bin = path.join(import.meta.dirname, '../bin.ts')
    const argv = ['--root', slipway.root, 'run', '-d', '--rm', '--network', 'none', 'busybox', 'true']
    const { status, stdout } = spawnSync(process.execPath, [bin, ...argv], { encoding: 'utf8' })
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^[0-9a-f]{64}\n$/)])
    let left = 'unknown'
    const look = async (): Promise<void> => {
      left = (await slipway('ps', '-aq')).out
    }
    await until(() => {
      look().catch(() => {})
      return left === ''
    }, 'it is gone')
  })
})

describe('what is not there', () => {
  test.each([
    [['rm', 'nosuch'], 1, 'No such container: nosuch'],
    [['rm', '-f', 'nosuch'], 0, 'No such container: nosuch'],
    [['stop', 'nosuch'], 1, 'No such container: nosuch'],
    [['logs', 'nosuch'], 1, 'No such container: nosuch'],
    [['wait', 'nosuch'], 1, 'No such container: nosuch'],
    [['kill', 'nosuch'], 1, 'cannot kill container: nosuch: No such container: nosuch'],
    [['start', 'nosuch'], 1, 'Error: failed to start containers: nosuch'],
    [['ps', '-f', 'foo=bar'], 1, "invalid filter 'foo'"],
    [
      ['ps', '-f', 'status=x'],
      1,
      "invalid filter 'status=x': invalid value for state (x): must be one of created, running, paused, restarting, removing, exited, dead",
    ],
    [['logs', '--since', 'x', 'y'], 1, 'invalid value for "since": failed to parse value as time or duration: "x"'],
  ])('%j', async (argv, code, message) => {
    const answer = await slipway(...argv)
    expect([answer.code, answer.out.replace(/^CONTAINER ID.*\n/, '')]).toEqual([code, ''])
    expect(answer.err).toContain(message)
  })
})
