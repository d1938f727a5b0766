import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { canRun } from '../../container/fixture.suite.ts'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { busyboxBase, contextFolder, errorOf, listFiles, type SolveOptions, solveText } from '../fixture.suite.ts'

type Options = SolveOptions & { store?: ReturnType<typeof temporaryStore> }

/** Builds on busybox; `said` is what the steps wrote, `files` what they changed. */
async function run(lines: string, options: Options = {}) {
  const { store = temporaryStore(), ...rest } = options
  const base = busyboxBase(store)
  const before = listFiles(await store.layers.tree(base.layers!.map((layer) => layer.diffId)))
  const solved = await solveText(store, lines.includes('FROM') ? lines : `FROM base\n${lines}\n`, {
    bases: { base },
    ...rest,
  })
  const files = Object.fromEntries(
    Object.entries(listFiles(solved.tree)).filter(([name, text]) => before[name] !== text),
  )
  const said = solved.job.events
    .flatMap((event) => (event.type === 'log' ? [Buffer.from(event.chunk).toString()] : []))
    .join('')
  return { ...solved, files, said, store }
}

const last = (solved: Awaited<ReturnType<typeof run>>): string | undefined => Object.values(solved.outcomes).at(-1)

describe.skipIf(!canRun)('RUN --mount=type=bind', () => {
  const context = (): string =>
    contextFolder({ 'a/f': 'text', 'a/run.sh': { text: '#!/bin/sh\necho ran', mode: 0o755 }, link: { symlink: 'a/f' } })

  test('shows the context, read-only and as root’s, and leaves nothing behind', async () => {
    const { said, files } = await run(
      'RUN --mount=target=/new/deep cat /new/deep/a/f && /new/deep/a/run.sh; stat -c %u:%g /new/deep/a/f; touch /new/deep/x || true',
      { context: context() },
    )
    expect(said).toBe('textran\n0:0\ntouch: /new/deep/x: Read-only file system\n')
    expect(files).toEqual({})
  })

  test('of a file, a symlink within the context, and a folder below WORKDIR', async () => {
    const { said, files } = await run(
      'WORKDIR /w\nRUN --mount=source=a/f,target=/x/f --mount=source=link,target=l --mount=source=a,target=d cat /x/f l d/f',
      { context: context() },
    )
    expect([said, files]).toEqual(['texttexttext', { 'w/': '' }])
  })

  test('writable, throws away what is written', async () => {
    const folder = context()
    const { said } = await run('RUN --mount=target=/c,rw echo more >> /c/a/f; rm /c/link; ls /c; cat /c/a/f\n', {
      context: folder,
    })
    expect(said).toBe('a\ntextmore\n')
    expect([readFileSync(path.join(folder, 'a/f'), 'utf8'), readdirSync(folder)]).toEqual(['text', ['a', 'link']])
  })

  test('of a stage and of an image; writable too', async () => {
    const { said, files } = await run(
      [
        'FROM base AS made\nRUN mkdir /out && echo one > /out/f && ln -s /out/f /s',
        'FROM base\nRUN --mount=from=made,source=/out,target=/m,rw echo two >> /m/f; cat /m/f',
        'RUN --mount=from=made,source=s,target=/g --mount=from=base,source=/etc/passwd,target=/p cat /g; head -1 /p',
      ].join('\n'),
    )
    expect(said).toMatch(/^one\ntwo\none\nroot/)
    expect(files).toEqual({})
  })

  test('shows what a stage has and no more', async () => {
    const { said } = await run(
      'FROM scratch AS a\nCOPY f /f\nFROM base\nRUN --mount=from=a,target=/m ls /m\nRUN --mount=from=scratch,target=/m ls /m\nRUN --mount=from=a,target=/m,rw touch /m/g; ls /m\nRUN --mount=from=scratch,target=/m,rw touch /m/h; ls /m',
      { context: contextFolder({ f: '' }) },
    )
    expect(said).toBe('f\nf\ng\nh\n')
  })

  test('is done again when the files change, not when their times do', async () => {
    const [store, folder] = [temporaryStore(), context()]
    const lines = 'RUN --mount=source=a,target=/a cat /a/f'
    await run(lines, { store, context: folder })
    expect(
      last(
        await run(lines, {
          store,
          context: contextFolder({
            'a/f': 'text',
            'a/run.sh': { text: '#!/bin/sh\necho ran', mode: 0o755 },
            other: '',
          }),
        }),
      ),
    ).toBe('cached')
    expect(last(await run(lines, { store, context: contextFolder({ 'a/f': 'other' }) }))).toBe('done')
  })

  test('keeps to the files that .dockerignore leaves', async () => {
    const filter = { excludes: (name: string) => name === 'a/f', mayIncludeBelow: () => true }
    const { said } = await run('RUN --mount=target=/c ls /c/a', { context: context(), filter })
    expect(said).toBe('run.sh\n')
  })

  test('never leads out of the context, nor of a stage', async () => {
    const folder = contextFolder({ out: { symlink: '/etc' }, up: { symlink: '../../../..' }, f: '1' })
    const { said } = await run('RUN --mount=source=up,target=/u ls /u', { context: folder })
    expect(said).toBe('f\nout\nup\n')
    expect(await errorOf(run('RUN --mount=source=out,target=/u ls /u', { context: folder }))).toMatch(
      /^2: .*of ref: "\/out": not found/,
    )
    const stage =
      'FROM base AS a\nRUN ln -s ../../../../../../tmp /x\nFROM base\nRUN --mount=from=a,source=/x,target=/m ls /m'
    expect((await run(stage)).said).toBe('')
  })

  test.each([
    [
      'RUN --mount=source=nope,target=/x true',
      '2: failed to compute cache key: failed to calculate checksum of ref: "/nope": not found in the build context',
    ],
    [
      'RUN --mount=from=base,source=/nope,target=/x true',
      '2: failed to compute cache key: failed to calculate checksum of ref: "/nope": not found in the stage',
    ],
    ['RUN --mount=target=/ true', '2: invalid mount target "/"'],
    ['RUN --mount=type=cache true', '2: invalid mount target "/"'],
    ['RUN --mount=type=tmpfs,target=/a/.. true', '2: invalid mount target "/"'],
  ])('%s fails', async (lines, error) => {
    expect(await errorOf(run(lines, { context: context() }))).toBe(error)
  })
})

describe.skipIf(!canRun)('the places of mounts', () => {
  test('stay when something was put into them', async () => {
    const { files } = await run('RUN --mount=type=tmpfs,target=/n/t --mount=type=tmpfs,target=/o/t touch /n/f /o/t/x')
    expect(files).toEqual({ 'n/': '', 'n/f': '' })
  })

  test('are found through symlinks of the image, below its root', async () => {
    const { files, said } = await run(
      'RUN ln -s ../../../../nn /l && mkdir /nn\nRUN --mount=type=tmpfs,target=/l/x touch /l/x/a && ls /nn/x',
    )
    expect([files, said]).toEqual([{ l: '-> ../../../../nn', 'nn/': '' }, 'a\n'])
  })

  test('may be in one another', async () => {
    const { said, files } = await run('RUN --mount=target=/t/c --mount=type=tmpfs,target=/t ls /t/c', {
      context: contextFolder({ f: '' }),
    })
    expect([said, files]).toEqual(['f\n', {}])
  })

  test('that cannot be are an error of the step', async () => {
    expect(await errorOf(run('RUN --mount=target=/etc/passwd/x true'))).toMatch(/did not complete successfully/)
  })
})

describe.skipIf(!canRun)('RUN --mount=type=tmpfs', () => {
  test('has a size, and runs programs', async () => {
    const { said } = await run(
      'RUN --mount=type=tmpfs,target=/dev/shm,size=128m --mount=type=tmpfs,target=/t df -k /dev/shm | tail -1 | awk \'{print $2}\'; cp /bin/busybox /t/echo; /t/echo ran; mount | grep -c " /dev/shm "',
    )
    expect(said).toBe('131072\nran\n1\n')
  })

  test('can be read-only', async () => {
    expect((await run('RUN --mount=type=tmpfs,target=/t,ro touch /t/x || true')).said).toContain(
      'Read-only file system',
    )
  })
})

describe.skipIf(!canRun)('RUN --mount=type=cache', () => {
  test('stays from build to build, in no layer, and counts for no key', async () => {
    const store = temporaryStore()
    const { files } = await run('RUN --mount=type=cache,target=/c echo 1 >> /c/f', { store })
    const { said } = await run('RUN --mount=type=cache,target=/c cat /c/f; echo x', { store })
    expect([files, said]).toEqual([{}, '1\nx\n'])
    expect(last(await run('RUN --mount=type=cache,target=/c cat /c/f; echo x', { store }))).toBe('cached')
    expect(
      last(await run('RUN --mount=type=cache,target=/c,id=other,sharing=locked cat /c/f; echo x', { store })),
    ).toBe('cached')
  })

  test('is another one for another id, namespace, mode or owner', async () => {
    const store = temporaryStore()
    let turn = 0
    const count = async (options: string, changes: Options = {}): Promise<string> =>
      (
        await run(`RUN --mount=type=cache,target=/c${options} echo >> /c/f; wc -l < /c/f; : ${++turn}`, {
          store,
          ...changes,
        })
      ).said
    expect(await count('')).toBe('1\n')
    expect(await count(',id=/c')).toBe('2\n')
    expect(await count(',id=d')).toBe('1\n')
    expect(await count(',mode=0700')).toBe('1\n')
    expect(await count(',mode=0700')).toBe('2\n')
    expect(await count(',uid=5')).toBe('1\n')
    // BuildKit makes a folder with attributes anew when nothing of an earlier build counts
    expect(await count(',mode=0700', { noCache: true })).toBe('1\n')
    expect(await count('', { noCache: true })).toBe('3\n')
    expect(await count('', { buildArgs: { BUILDKIT_CACHE_MOUNT_NS: 'n' } })).toBe('1\n')
    expect(store.cacheMounts.list()).toHaveLength(5)
  })

  test('has the mode and owner that a new one is given', async () => {
    const { said } = await run(
      'RUN --mount=type=cache,target=/a --mount=type=cache,target=/b,mode=1777,uid=1,gid=2 stat -c "%a %u:%g" /a /b',
    )
    expect(said).toBe('755 0:0\n1777 1:2\n')
  })

  test('can be read-only, and shown in part', async () => {
    const store = temporaryStore()
    await run('RUN --mount=type=cache,target=/c mkdir /c/d && echo 1 > /c/d/f', { store })
    const { said } = await run('RUN --mount=type=cache,id=/c,source=d,target=/e,ro cat /e/f; touch /e/x || true', {
      store,
    })
    expect(said).toBe('1\ntouch: /e/x: Read-only file system\n')
    expect(await errorOf(run('RUN --mount=type=cache,id=/c,source=nope,target=/e true', { store }))).toContain(
      'did not complete successfully: open /nope: no such file or directory',
    )
  })

  test('begins with what a stage has', async () => {
    const store = temporaryStore()
    const lines = [
      'FROM base AS made\nRUN mkdir -p -m 700 /out/source && echo 1 > /out/source/f && chown 3:4 /out',
      'FROM base\nRUN --mount=type=cache,from=made,source=/out,target=/c stat -c %u:%g /c; cat /c/source/f; echo 2 >> /c/source/f',
    ].join('\n')
    expect((await run(lines, { store })).said).toBe('3:4\n1\n')
    expect((await run(lines, { store, noCache: true })).said).toBe('3:4\n1\n2\n')
  })

  test('does not lead out, whatever a step put into it', async () => {
    const store = temporaryStore()
    await run('RUN --mount=type=cache,id=e,target=/c ln -s /etc /c/sel; ln -s ../../../../../../etc /c/up', { store })
    for (const source of ['sel', 'up']) {
      const lines = `RUN --mount=type=cache,id=e,source=${source},target=/v cat /v/hostname`
      expect(await errorOf(run(lines, { store }))).toContain('no such file or directory')
    }
  })

  test('locked lets one in at a time, private makes another', async () => {
    const store = temporaryStore()
    const both = (sharing: string): Promise<{ said: string }> =>
      run(
        ['a', 'b']
          .map(
            (name) =>
              `FROM base AS ${name}\nRUN --mount=type=cache,id=${sharing},target=/c,sharing=${sharing} echo ${name}; test ! -e /c/busy && touch /c/busy && sleep 0.3; rm /c/busy; touch /${name}`,
          )
          .concat('FROM base\nCOPY --from=a /a /\nCOPY --from=b /b /')
          .join('\n'),
        { store, noCache: true },
      )
    expect((await both('locked')).said.split('\n').sort()).toEqual(['', 'a', 'b'])
    expect((await both('private')).said.split('\n').sort()).toEqual(['', 'a', 'b'])
    expect(store.cacheMounts.list().map(({ id, instance }) => [id, instance])).toEqual([
      ['locked', 0],
      ['private', 0],
      ['private', 1],
    ])
    expect(store.cacheMounts.list().some(({ key }) => store.cacheMounts.isInUse(key))).toBe(false)
  })
})

describe.skipIf(!canRun)('RUN --mount=type=secret', () => {
  const secrets = { s: { value: 'top-secret-value\n' } }

  test('is a file in memory, read-only, and nothing of it stays', async () => {
    const { said, files } = await run(
      'RUN --mount=type=secret,id=s wc -c /run/secrets/s; stat -c "%a %u:%g" /run/secrets/s; mount | grep -c " /run/secrets/s type tmpfs (ro,nosuid,nodev,noexec"',
      { secrets },
    )
    expect([said, files]).toEqual(['17 /run/secrets/s\n400 0:0\n1\n', {}])
  })

  test('is where, and as, it is asked for', async () => {
    const { said } = await run(
      'RUN --mount=type=secret,target=/etc/x/s,mode=741,uid=100,gid=102 stat -c "%a %u %g" /etc/x/s\nRUN test ! -e /etc/x',
      { secrets },
    )
    expect(said).toBe('741 100 102\n')
  })

  test('is a variable, instead of or beside a file', async () => {
    const { said } = await run(
      [
        'ENV T=other',
        'RUN --mount=type=secret,id=s,env=T echo "$T" | wc -c; test ! -e /run/secrets/s && echo ok',
        'RUN --mount=type=secret,id=s,env=U,target=/u echo "$U" | wc -c; test -s /u && echo $T',
      ].join('\n'),
      { secrets },
    )
    expect(said).toBe('18\nok\n18\nother\n')
  })

  test('is not shown, neither by a step nor by its name', async () => {
    const { said, job } = await run('RUN --mount=type=secret,id=s,env=T echo [$T] "$'.concat('{T}x" $OTHER'), {
      secrets,
    })
    expect(said).toBe('[**** ] ****\nx\n')
    const names = job.events.flatMap((event) => (event.type === 'started' ? [event.name] : []))
    expect(names.at(-1)).toContain('echo [****] "****x" $OTHER')
    expect(JSON.stringify(job.events)).not.toContain('top-secret')
  })

  test('that is missing is an error only when it is required', async () => {
    expect((await run('RUN --mount=type=secret,id=none test ! -e /run/secrets && echo ok')).said).toBe('ok\n')
    expect(await errorOf(run('RUN --mount=type=secret,id=none,required true'))).toBe('2: secret none: not found')
    expect(await errorOf(run('RUN --mount=type=ssh,required true'))).toBe('2: unset ssh forward key default')
  })

  test('does not count for the key', async () => {
    const store = temporaryStore()
    await run('RUN --mount=type=secret,id=s cat /run/secrets/s | wc -c', { store, secrets })
    const again = await run('RUN --mount=type=secret,id=s cat /run/secrets/s | wc -c', {
      store,
      secrets: { s: { value: 'x' } },
    })
    expect(last(again)).toBe('cached')
  })

  test('is in no file of the store, nor of its runtime folder', async () => {
    const store = temporaryStore()
    await run(
      'RUN --mount=type=secret,id=s --mount=type=secret,id=s,env=T cat /run/secrets/s; echo $T; sleep 0.1; touch /done\nRUN --mount=type=cache,target=/c touch /c/x',
      { store, secrets },
    )
    const found = [store.layout.root, store.layout.runtime]
      .flatMap(filesBelow)
      .filter((file) => readFileSync(file).includes('top-secret'))
    expect(found).toEqual([])
  })
})

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [path.join(entry.parentPath, entry.name)] : [],
  )
}
