import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { canRun, hearingJob } from '../../container/fixture.suite.ts'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { busyboxBase, contextFolder, errorOf, listFiles, type SolveOptions, solveText } from '../fixture.suite.ts'

/** Builds on busybox; `said` is what the steps wrote, `files` what they changed. */
async function run(lines: string, options: SolveOptions & { store?: ReturnType<typeof temporaryStore> } = {}) {
  const { store = temporaryStore(), ...rest } = options
  const base = busyboxBase(store)
  const before = await store.layers.tree(base.layers!.map((layer) => layer.diffId))
  const solved = await solveText(store, `FROM base\n${lines}\n`, { bases: { base }, ...rest })
  const known = listFiles(before)
  const files = Object.fromEntries(
    Object.entries(listFiles(solved.tree)).filter(([name, text]) => known[name] !== text),
  )
  const said = solved.job.events
    .flatMap((event) => (event.type === 'log' ? [Buffer.from(event.chunk).toString()] : []))
    .join('')
  return { ...solved, files, said, store }
}

describe.skipIf(!canRun)('RUN', () => {
  test('keeps what was written, and shows what was said', async () => {
    const { files, said } = await run('RUN mkdir /d && echo 1 > /d/f && echo hello\nRUN cat /d/f && rm /d/f')
    expect(files).toEqual({ 'd/': '' })
    expect(said).toBe('hello\n1\n')
  })

  test('sees variables, folder, user and host of the Dockerfile', async () => {
    const { said } = await run(
      'ARG A=1\nENV B=2\nWORKDIR /tmp\nUSER web\nRUN echo $A $B $(pwd) $(id -u):$(id -g) $(hostname)',
    )
    expect(said).toBe('1 2 /tmp 33:34 buildkitsandbox\n')
  })

  test('has hosts and a resolver for the time of the step, and none of it in the image', async () => {
    const { said, files } = await run('RUN grep -c 1.2.3.4 /etc/hosts; test -e /etc/resolv.conf && echo yes', {
      extraHosts: ['db=1.2.3.4'],
    })
    expect(said).toBe('1\nyes\n')
    expect(files).toEqual({})
  })

  test('writes to /dev, /proc and /sys without leaving a trace', async () => {
    expect((await run('RUN echo x > /dev/shm/x; touch /dev/y')).files).toEqual({})
  })

  test('has no network when it is told so', async () => {
    expect((await run('RUN --network=none ls /sys/class/net')).said).toBe('lo\n')
  })

  test('has as much shared memory as is asked for', async () => {
    const { said } = await run("RUN df -k /dev/shm | tail -1 | awk '{print $2}'", { shmSize: 1 << 20 })
    expect(said).toBe('1024\n')
  })

  test('gets proxies and certificates of this machine, which leave nothing behind', async () => {
    const hostCa = path.join(contextFolder({ 'ca.crt': 'the certificates' }), 'ca.crt')
    const { said, files } = await run('RUN cat $SSL_CERT_FILE && echo " $http_proxy"', {
      hostCa,
      buildArgs: { http_proxy: 'http://proxy' },
    })
    expect(said).toBe('the certificates http://proxy\n')
    expect(files).toEqual({})
  })

  test('runs a here-document with its own program', async () => {
    expect((await run('RUN <<EOF\n#!/bin/sh -e\necho "from $0"\nEOF')).said).toBe('from /dev/pipes/EOF\n')
  })

  test('is cached by what it runs on', async () => {
    const { store } = await run('RUN echo 1 > /a\nRUN echo 2 > /b')
    expect(Object.values((await run('RUN echo 1 > /a\nRUN echo 2 > /b', { store })).outcomes)).toEqual([
      'cached',
      'cached',
    ])
    expect(Object.values((await run('RUN echo 3 > /a\nRUN echo 2 > /b', { store })).outcomes)).toEqual(['done', 'done'])
  })

  test('fails with its command, line and exit code', async () => {
    expect(await errorOf(run('ENV A=1\nRUN exit 7'))).toBe(
      '3: process "/bin/sh -c exit 7" did not complete successfully: exit code: 7',
    )
  })

  test.each(['before it runs', 'while it runs'])('stops with the build %s, and leaves nothing behind', async (when) => {
    const store = temporaryStore()
    const stop = new AbortController()
    const job = hearingJob(stop.signal)
    const { progress } = job
    job.progress = (event) => {
      progress(event)
      const isReached = when === 'while it runs' ? event.type === 'log' : 'name' in event && event.name.includes('RUN')
      if (isReached) setTimeout(() => stop.abort(), 1)
    }
    const running = run('RUN echo there; sleep 1000', { store, job })
    await expect(running).rejects.toMatchObject({ code: 'CANCELED' })
    const { runtime } = store.layout
    const left = existsSync(runtime) ? readdirSync(runtime) : []
    expect(left.filter((name) => name.startsWith('build-'))).toEqual([])
    expect((await run('RUN echo well', { store })).said).toBe('well\n')
  })
})

describe.skipIf(!canRun)('commits behind the next step', () => {
  const LARGE = 'dd if=/dev/urandom of=/large bs=1M count=24 2>/dev/null'

  test('a step sees what the one before it wrote, while that is still being stored', async () => {
    const { files, diffIds } = await run(`RUN ${LARGE} && echo 1 > /a\nRUN cat /a /a > /b\nRUN cat /b > /c; rm /large`)
    expect(files).toEqual({ a: '1\n', b: '1\n1\n', c: '1\n1\n' })
    expect(diffIds).toHaveLength(4)
  })

  test('several stages can start from a step that is still being stored', async () => {
    const lines = `RUN ${LARGE} && echo 1 > /a
FROM stage AS left
RUN cat /a > /left
FROM stage AS right
RUN cat /a > /right
FROM scratch
COPY --from=left /left /
COPY --from=right /right /`
    const store = temporaryStore()
    const { tree } = await solveText(store, `FROM base AS stage\n${lines}\n`, { bases: { base: busyboxBase(store) } })
    expect(listFiles(tree)).toEqual({ left: '1\n', right: '1\n' })
  })

  test('the directories are gone when the build is', async () => {
    const { store } = await run('RUN echo 1 > /a\nRUN echo 2 > /b')
    expect(readdirSync(store.layout.snapshots).filter((name) => name.startsWith('build-'))).toEqual([])
  })
})
