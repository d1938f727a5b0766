import { describe, expect, test } from 'vitest'
import { errorOf, planText } from '../fixture.suite.ts'
import type { RunOp } from '../ops/run.ts'

const BASE = {
  Env: ['PATH=/bin', 'A=1', 'B=2'],
  Volumes: { '/a': {}, '/b': {} },
  ExposedPorts: { '80/tcp': {}, '53/udp': {} },
  Labels: { k: 'v', l: 'w' },
  Entrypoint: ['e'],
  Cmd: ['c'],
  User: 'u',
  WorkingDir: '/w',
  Healthcheck: { Test: ['CMD', 'h'] },
  OnBuild: ['ENV T=1'],
  Shell: ['/bin/bash', '-c'],
  StopSignal: 'SIGINT',
}

/** The config of the last stage of a Dockerfile over a base that has everything. */
async function configOf(lines: string) {
  return (await planText(lines, { bases: { base: { config: BASE } } })).config
}

const mountsOf = async (lines: string): Promise<string[]> => {
  const { vertex } = await planText(lines, { bases: { base: { config: BASE } } })
  return (vertex.op as RunOp).mounts.map(({ type, target }) => `${type} ${target}`)
}

describe('# slipway: reset', () => {
  const { OnBuild: _, ...kept } = BASE

  test.each([
    ['volumes', { Volumes: undefined }],
    ['volumes:/a', { Volumes: { '/b': {} } }],
    ['expose', { ExposedPorts: undefined }],
    ['expose:80', { ExposedPorts: { '53/udp': {} } }],
    ['expose:53/udp', { ExposedPorts: { '80/tcp': {} } }],
    ['labels:k', { Labels: { l: 'w' } }],
    ['env:A', { Env: ['PATH=/bin', 'B=2', 'T=1'] }],
    ['env:none', {}],
    ['env', { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', 'T=1'] }],
    ['entrypoint', { Entrypoint: undefined }],
    ['cmd, user', { Cmd: undefined, User: undefined }],
    ['workdir', { WorkingDir: '/' }],
    ['healthcheck', { Healthcheck: undefined }],
    ['onbuild', { Env: ['PATH=/bin', 'A=1', 'B=2'] }],
    ['stopsignal', { StopSignal: undefined }],
  ])('=%s', async (what, expected) => {
    const config = await configOf(`# slipway: reset=${what}\nFROM base\nLABEL z=1`)
    const { Labels, ...rest } = { ...kept, Env: [...kept.Env, 'T=1'], ...expected }
    expect(config).toEqual({ ...rest, Labels: { ...Labels, z: '1' } })
  })

  test('=all leaves what an image without anything has', async () => {
    expect(await configOf('# slipway: reset=all\nFROM base')).toEqual({
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      WorkingDir: '/',
      Labels: {},
    })
  })

  test('is about what was before it: earlier stages and later instructions are not touched', async () => {
    const lines = 'FROM base AS a\n# slipway: reset=volumes\nFROM a\nVOLUME /c\nFROM a'
    expect((await configOf(lines)).Volumes).toEqual(BASE.Volumes)
    expect((await configOf(lines.replace(/\nFROM a$/, ''))).Volumes).toEqual({ '/c': {} })
  })

  test('reaches variables and history', async () => {
    const { steps, env } = await planText('# slipway: reset=env:A\nFROM base\nENV C=$A.', {
      bases: { base: { config: BASE } },
    })
    expect([env.get('A'), env.get('C')]).toEqual([undefined, '.'])
    expect(steps.map(({ createdBy }) => createdBy)).toContain('# slipway: reset=env:A')
  })
})

test('# slipway: keep=cmd leaves the CMD that ENTRYPOINT would take away', async () => {
  expect((await configOf('FROM base\nENTRYPOINT ["x"]')).Cmd).toBe(null)
  expect((await configOf('FROM base\n# slipway: keep=cmd\nENTRYPOINT ["x"]')).Cmd).toEqual(['c'])
})

describe('# slipway: mount', () => {
  const cache = '# slipway: mount=type=cache,target=/root/.npm'

  test('is mounted by each RUN of the stage and of those that build on it', async () => {
    expect(await mountsOf(`${cache}\nFROM base\nRUN --mount=type=tmpfs,target=/t x`)).toEqual([
      'cache /root/.npm',
      'tmpfs /t',
    ])
    expect(await mountsOf(`${cache}\nFROM base AS a\nFROM a\nRUN x`)).toEqual(['cache /root/.npm'])
    expect(await mountsOf(`${cache}\nFROM base AS a\nFROM base\nRUN x`)).toEqual([])
  })

  test('above another instruction counts from there on', async () => {
    expect(await mountsOf(`FROM base\nRUN x\n${cache}\nRUN y`)).toEqual(['cache /root/.npm'])
    expect(await mountsOf(`FROM base\nRUN x\n${cache}\nENV a=b`.replace(/\n#.*\nENV.*/, ''))).toEqual([])
  })

  test('gives way to what is at the same place, said later or by RUN itself', async () => {
    const other = '# slipway: mount=type=tmpfs,target=/root/.npm'
    expect(await mountsOf(`${cache}\n${other}\nFROM base\nRUN x`)).toEqual(['tmpfs /root/.npm'])
    expect(await mountsOf(`${other}\nFROM base\nRUN --mount=type=cache,target=/root/.npm/ x`)).toEqual([
      'cache /root/.npm',
    ])
  })

  test('has variables', async () => {
    expect(await mountsOf('# slipway: mount=type=tmpfs,target=$A\nFROM base\nRUN x')).toEqual(['tmpfs /w/1'])
  })
})

test.each([
  [
    'FROM base\n# slipway: mounts=type=cache\nRUN x',
    "2: unknown key 'mounts' in a slipway comment (did you mean mount?)",
  ],
  ['# slipway: hello\nFROM base', '1: a slipway comment has the form "# slipway: key=value"'],
  ['# slipway: reset=volume\nFROM base', "1: cannot reset 'volume' (did you mean volumes?)"],
  ['# slipway: reset=cmd:x\nFROM base', "1: reset=cmd has no parts: 'cmd:x'"],
  ['FROM base\n# slipway: keep=cmd\nRUN x', '2: keep=cmd belongs above ENTRYPOINT'],
  ['FROM base\n# slipway: keep=entrypoint\nENTRYPOINT x', "2: cannot keep 'entrypoint'"],
  ['# slipway: mount=type=cach,target=/x\nFROM base\nRUN x', '1: unsupported mount type "cach" (did you mean cache?)'],
  [
    '# slipway: mount=from=$A,target=/x\nFROM base\nRUN x',
    "1: 'from' doesn't support variable expansion, define alias stage instead",
  ],
])('%j fails', async (lines, error) => {
  expect(await errorOf(configOf(lines))).toBe(error)
})
