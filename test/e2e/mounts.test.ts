/** What RUN --mount promises, through the command line and a whole store: needs root and busybox. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { callMain } from '../../src/cli/fixture.suite.ts'
import { openEngine } from '../../src/engine/index.ts'
import { findProgram } from '../../src/host/index.ts'
import { layoutAt } from '../../src/store/layout.ts'

const canRun = process.getuid?.() === 0 && findProgram('busybox') !== undefined
const bin = path.join(import.meta.dirname, '../../src/cli/bin.ts')

let work: string
let root: string

beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'slipway-mounts-'))
  root = path.join(work, 'store')
  if (!canRun) return
  using engine = openEngine({ root })
  await engine.bootstrap({ what: 'busybox' })
})

afterAll(() => {
  rmSync(work, { recursive: true, force: true })
  rmSync(layoutAt(root).runtime, { recursive: true, force: true })
})

/** A folder with this Dockerfile on busybox. */
function context(name: string, lines: string): string {
  const folder = path.join(work, name)
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'Dockerfile'), `FROM busybox\n${lines}\n`)
  return folder
}

const slipway = (env: Record<string, string>, ...argv: string[]) => callMain(['--root', root, ...argv], { env })

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [path.join(entry.parentPath, entry.name)] : [],
  )
}

describe.skipIf(!canRun)('secrets', () => {
  const [inFile, inEnv] = ['file-secret-8d1f', 'env-secret-77aa']
  const hasSecret = (bytes: Buffer | string): boolean => [inFile, inEnv].some((secret) => bytes.includes(secret))

  test('reach the step, and no layer, history, key, log, attestation or database', async () => {
    const file = path.join(work, 'token')
    writeFileSync(file, `${inFile}\n`)
    const use = 'cat /run/secrets/f; echo "$E"; test "$E" = $(cat /run/secrets/e)'
    const mounts = '--mount=type=secret,id=f --mount=type=secret,id=e --mount=type=secret,id=e,env=E'
    const folder = context('secrets', `ENV X=1\nRUN ${mounts} ${use} && touch /used\nRUN ${mounts} ${use}; false`)
    const flags = ['--secret', `id=f,src=${file}`, '--secret', 'id=e,env=SECRET']
    for (const more of [
      ['--target', '0'],
      ['--progress', 'rawjson'],
      ['--progress', 'plain'],
      ['--no-cache', '-q'],
    ]) {
      const { out, err, code } = await slipway({ SECRET: inEnv }, 'build', '-t', 'secrets', ...flags, ...more, folder)
      expect([code, hasSecret(out), hasSecret(err)]).toEqual([1, false, false])
    }
    writeFileSync(path.join(folder, 'Dockerfile'), `FROM busybox\nRUN ${mounts} ${use} && touch /used\n`)
    const built = await slipway({ SECRET: inEnv }, 'build', '-t', 'secrets', '--progress', 'plain', ...flags, folder)
    expect([built.code, built.err.includes('****'), hasSecret(built.err)]).toEqual([0, true, false])
    const image = await slipway({}, 'save', '-o', path.join(work, 'image.tar'), 'secrets')
    expect(image.code).toBe(0)
    const places = [root, layoutAt(root).runtime, path.join(work, 'image.tar')]
    const files = places.flatMap((place) => (place.endsWith('.tar') ? [place] : filesBelow(place)))
    expect(files.length).toBeGreaterThan(5)
    expect(files.filter((each) => hasSecret(readFileSync(each)))).toEqual([])
    expect(hasSecret((await slipway({}, 'history', '--no-trunc', 'secrets')).out)).toBe(false)
  })
})

describe.skipIf(!canRun)('a cache mount', () => {
  const inUse = async (): Promise<boolean> =>
    (await slipway({}, 'cachemount', 'ls', '--filter', 'id=busy', '--format', '{{.InUse}}')).out === 'true\n'

  test('of a build that is killed is free at once', async () => {
    const folder = context('killed', 'RUN --mount=type=cache,id=busy,target=/c,sharing=locked touch /c/f; sleep 60')
    const args = ['--disable-warning=ExperimentalWarning', bin, '--root', root, 'build', '-q', folder]
    const build = spawn(process.execPath, args, { stdio: 'ignore' })
    for (let tries = 0; tries < 600 && !(await inUse()); tries++) await sleep(50)
    expect(await inUse()).toBe(true)
    expect((await slipway({}, 'cachemount', 'rm', 'busy')).err).toContain('in use')
    build.kill('SIGKILL')
    await once(build, 'exit')
    expect(await inUse()).toBe(false)
    const next = context('after', 'RUN --mount=type=cache,id=busy,target=/c,sharing=locked ls /c > /seen')
    expect((await slipway({}, 'build', '-q', next)).code).toBe(0)
    expect(await slipway({}, 'cachemount', 'rm', 'busy')).toEqual({ code: 0, out: 'busy\n', err: '' })
  })
})

describe.skipIf(!canRun)('what a step may take of the machine', () => {
  test('is limited by flags, which no key knows', async () => {
    const folder = context(
      'limits',
      'RUN ulimit -n > /n; cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes > /m 2>&1; true',
    )
    const build = (...flags: string[]) => slipway({}, 'build', '-t', 'limits', '--progress', 'plain', ...flags, folder)
    expect((await build('--ulimit', 'nofile=100:200', '-m', '64m', '--cpu-shares', '512')).code).toBe(0)
    expect((await slipway({}, 'run', '--rm', 'limits', 'cat', '/n', '/m')).out).toMatch(/^100\n(?:.*\n)*67108864\n/)
    expect((await build('--ulimit', 'nofile=100:200', '--resource', 'memory=32m')).err).toContain('CACHED')
    expect((await build('--ulimit', 'nofile=101:200')).err).not.toMatch(/RUN[^\n]*\n#\d+ CACHED/)
  })
})
