import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Job, silentJob } from '../core/index.ts'
import { isRunning, temporaryFolder, until } from './child.suite.ts'
import { expectProgram, findProgram, requireProgram, runProgram } from './index.ts'

const before = process.env['PATH']

afterEach(() => {
  process.env['PATH'] = before
})

function script(folder: string, name: string, text: string, mode = 0o755): string {
  const file = path.join(folder, name)
  writeFileSync(file, `#!/bin/sh\n${text}\n`)
  chmodSync(file, mode)
  return file
}

describe('findProgram', () => {
  let folder: string

  beforeEach(() => {
    folder = temporaryFolder()
    process.env['PATH'] = `${folder}:${before}`
  })

  test('takes the first of PATH that can be executed', () => {
    mkdirSync(path.join(folder, 'second'))
    process.env['PATH'] = `${folder}:${folder}/second`
    script(folder, 'tool', '', 0o644)
    const found = script(path.join(folder, 'second'), 'tool', '')
    expect(findProgram('tool')).toBe(found)
    expect(requireProgram('tool')).toBe(found)
  })

  test('a folder is no program', () => {
    mkdirSync(path.join(folder, 'tool'))
    expect(findProgram('tool')).toBeUndefined()
  })

  test('does not look where a relative PATH leads', () => {
    script(folder, 'tool', '')
    process.env['PATH'] = `.:${path.relative(process.cwd(), folder)}:`
    expect(findProgram('tool')).toBeUndefined()
  })

  test('follows links, and finds system programs without a PATH', () => {
    symlinkSync('/bin/sh', path.join(folder, 'tool'))
    expect(findProgram('tool')).toBe(path.join(folder, 'tool'))
    delete process.env['PATH']
    expect(findProgram('sh')).toMatch(/^\/(usr\/)?bin\/sh$/)
  })

  test('what is missing is named', () => {
    expect(() => requireProgram('no-such-tool')).toThrow(
      expect.objectContaining({
        code: 'PROGRAM_MISSING',
        hint: undefined,
        message: expect.stringContaining('no-such'),
      }),
    )
  })

  const missing = ['crun', 'runc', 'conmon', 'mmdebstrap'].find((name) => findProgram(name) === undefined)
  test.skipIf(missing === undefined)('what we know comes with its package (needs one that is not installed)', () => {
    const hint = `install it with: apt-get install ${missing}`
    expect(() => requireProgram(missing!)).toThrow(expect.objectContaining({ code: 'PROGRAM_MISSING', hint }))
  })
})

describe('runProgram', () => {
  const sh = (text: string, options: Parameters<typeof runProgram>[2] = {}, job: Job = silentJob) =>
    runProgram('/bin/sh', ['-c', text], options, job)

  test('collects both streams and the exit code', async () => {
    const result = await sh('echo out; echo err >&2; exit 3')
    expect(result).toEqual({ stdout: Buffer.from('out\n'), stderr: Buffer.from('err\n'), exitCode: 3 })
  })

  test('a signal is 128 + its number', async () => {
    expect(await sh('kill -TERM $$')).toMatchObject({ exitCode: 143 })
    expect(await sh('kill -KILL $$')).toMatchObject({ exitCode: 137 })
  })

  test('gives input, a folder and an environment, and hands output on as it comes', async () => {
    const chunks: string[] = []
    const folder = temporaryFolder()
    const options = {
      stdin: Buffer.from('typed'),
      cwd: folder,
      env: { NAME: 'value' },
      onStdout: (chunk: Buffer) => void chunks.push(chunk.toString()),
      onStderr: (chunk: Buffer) => void chunks.push(`! ${chunk}`),
    }
    const { stdout } = await sh('cat; echo; pwd; echo $NAME; /bin/sleep 0.2; echo late >&2', options)
    expect(stdout.toString()).toBe(`typed\n${folder}\nvalue\n`)
    expect(chunks.join('')).toBe(`typed\n${folder}\nvalue\n! late\n`)
  })

  test('without input the program sees its end', async () => {
    expect(await sh('cat; echo done')).toMatchObject({ stdout: Buffer.from('done\n') })
  })

  test('a program that does not read its input is no trouble', async () => {
    expect(await sh('exit 0', { stdin: Buffer.alloc(1 << 20) })).toMatchObject({ exitCode: 0 })
  })

  test('keeps 16 MiB of a stream, and passes all of it on', async () => {
    let passed = 0
    const onStdout = (chunk: Buffer): void => {
      passed += chunk.length
    }
    const { stdout } = await sh('head -c 20000000 /dev/zero', { onStdout })
    expect(passed).toBe(20_000_000)
    expect(stdout.length).toBeLessThanOrEqual(16 << 20)
    expect(stdout.length).toBeGreaterThan(15 << 20)
  })

  test('is killed by the job', async () => {
    const stop = new AbortController()
    const pids: number[] = []
    const job = { ...silentJob, signal: stop.signal }
    const running = sh(
      'trap "" TERM INT; echo $$; exec sleep 60',
      { onStdout: (pid) => void pids.push(Number(pid)) },
      job,
    )
    await until(() => pids.length > 0, 'it has started')
    stop.abort()
    await expect(running).rejects.toMatchObject({ code: 'CANCELED' })
    await until(() => !isRunning(pids[0]!), 'it is gone')
    await expect(sh('true', {}, job)).rejects.toMatchObject({ code: 'CANCELED' })
  })

  test('a program that is not there', async () => {
    await expect(runProgram('no-such-tool', [], {}, silentJob)).rejects.toMatchObject({ code: 'PROGRAM_MISSING' })
    await expect(runProgram('/no/such/tool', [], {}, silentJob)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('expectProgram', () => {
  test('answers with the output', async () => {
    expect((await expectProgram('/bin/sh', ['-c', 'echo yes'], {}, silentJob)).toString()).toBe('yes\n')
  })

  test('fails with the last lines that were said', async () => {
    const text = 'for i in 1 2 3 4 5 6 7 8; do echo line $i >&2; done; exit 9'
    await expect(expectProgram('/bin/sh', ['-c', text], {}, silentJob)).rejects.toMatchObject({
      code: 'PROGRAM_FAILED',
      message: 'sh ended with exit code 9: line 4\nline 5\nline 6\nline 7\nline 8',
    })
    await expect(expectProgram('/bin/sh', ['-c', 'exit 1'], {}, silentJob)).rejects.toMatchObject({
      message: 'sh ended with exit code 1',
    })
  })
})
