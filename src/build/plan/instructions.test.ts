import { describe, expect, test } from 'vitest'
import { errorOf, planText } from '../fixture.suite.ts'

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What the instructions after `FROM base` make of the config, and what the history says of them. */
async function after(lines: string, options: Parameters<typeof planText>[1] = {}) {
  const { config, steps } = await planText(`FROM base\n${lines}\n`, options)
  return { config, history: steps.map((step) => step.createdBy) }
}

/** History strings are BuildKit's, as `docker history --no-trunc` shows them. */
const CONFIG_CASES: [lines: string, config: object, history: string[]][] = [
  [
    'CMD echo $HOME',
    { Cmd: ['/bin/sh', '-c', 'echo $HOME'], ArgsEscaped: true },
    ['CMD ["/bin/sh" "-c" "echo $HOME"]'],
  ],
  ['CMD ["a", "b c"]', { Cmd: ['a', 'b c'] }, ['CMD ["a" "b c"]']],
  ['CMD []', { Cmd: [] }, ['CMD []']],
  ['ENTRYPOINT ["/e", "\\"q\\""]', { Entrypoint: ['/e', '"q"'] }, ['ENTRYPOINT ["/e" "\\"q\\""]']],
  [
    'SHELL ["/bin/bash", "-ec"]\nCMD x',
    { Cmd: ['/bin/bash', '-ec', 'x'] },
    ['SHELL [/bin/bash -ec]', 'CMD ["/bin/bash" "-ec" "x"]'],
  ],
  ['ENV A=1 B="2 3"', { Env: [PATH, 'A=1', 'B=2 3'] }, ['ENV A=1 B=2 3']],
  ['ENV OLD old form', { Env: [PATH, 'OLD=old form'] }, ['ENV OLD=old form']],
  ['ENV A=1\nENV B=2\nENV A=3', { Env: [PATH, 'A=3', 'B=2'] }, ['ENV A=1', 'ENV B=2', 'ENV A=3']],
  ['ENV A=1\nENV A=2 B=$A', { Env: [PATH, 'A=2', 'B=1'] }, ['ENV A=1', 'ENV A=2 B=1']],
  ['LABEL a=1 "b c"="d"', { Labels: { a: '1', 'b c': 'd' } }, ['LABEL a=1 b c=d']],
  ['LABEL a=1\nLABEL a=2', { Labels: { a: '2' } }, ['LABEL a=1', 'LABEL a=2']],
  [
    'EXPOSE 80 443/TCP 53/udp',
    { ExposedPorts: { '80/tcp': {}, '443/tcp': {}, '53/udp': {} } },
    ['EXPOSE [443/tcp 53/udp 80/tcp]'],
  ],
  ['EXPOSE 90-92', { ExposedPorts: { '90/tcp': {}, '91/tcp': {}, '92/tcp': {} } }, ['EXPOSE [90/tcp 91/tcp 92/tcp]']],
  [
    'ENV P="80 81"\nEXPOSE $P',
    { ExposedPorts: { '80/tcp': {}, '81/tcp': {} } },
    ['ENV P=80 81', 'EXPOSE [80/tcp 81/tcp]'],
  ],
  ['VOLUME /a /b', { Volumes: { '/a': {}, '/b': {} } }, ['VOLUME [/a /b]']],
  ['VOLUME ["/a b"]', { Volumes: { '/a b': {} } }, ['VOLUME [/a b]']],
  ['USER 1000:100', { User: '1000:100' }, ['USER 1000:100']],
  ['STOPSIGNAL SIGUSR1', { StopSignal: 'SIGUSR1' }, ['STOPSIGNAL SIGUSR1']],
  ['STOPSIGNAL 9', { StopSignal: '9' }, ['STOPSIGNAL 9']],
  ['ONBUILD RUN x\nONBUILD COPY a b', { OnBuild: ['RUN x', 'COPY a b'] }, []],
  ['HEALTHCHECK NONE', { Healthcheck: { Test: ['NONE'] } }, ['HEALTHCHECK &{["NONE"] "0s" "0s" "0s" "0s" \'\\x00\'}']],
  [
    'HEALTHCHECK --interval=90s --timeout=500ms --retries=3 CMD curl x',
    { Healthcheck: { Test: ['CMD-SHELL', 'curl x'], Interval: 90_000_000_000, Timeout: 500_000_000, Retries: 3 } },
    ['HEALTHCHECK &{["CMD-SHELL" "curl x"] "1m30s" "500ms" "0s" "0s" \'\\x03\'}'],
  ],
  ['WORKDIR /', { WorkingDir: '/' }, ['WORKDIR /']],
  ['WORKDIR /a\nWORKDIR b/../c', { WorkingDir: '/a/c' }, ['WORKDIR /a', 'WORKDIR /a/c']],
  ['WORKDIR /a/', { WorkingDir: '/a/' }, ['WORKDIR /a/']],
  ['WORKDIR rel', { WorkingDir: '/rel' }, ['WORKDIR /rel']],
]

describe('the config and its history', () => {
  test.each(CONFIG_CASES)('%s', async (lines, config, history) => {
    const found = await after(lines)
    expect(found.config).toMatchObject(config)
    expect(found.history).toEqual(history)
  })
})

test('MAINTAINER is the author', async () => {
  const stage = await planText('FROM base\nMAINTAINER Some One <a@b>\n')
  expect(stage.author).toBe('Some One <a@b>')
  expect(stage.steps).toEqual([{ createdBy: 'MAINTAINER Some One <a@b>' }])
})

test('ENTRYPOINT drops a CMD that was inherited, and keeps one of the same stage', async () => {
  const bases = { base: { config: { Cmd: ['inherited'] } } }
  expect((await after('ENTRYPOINT ["e"]', { bases })).config.Cmd).toBeNull()
  expect((await after('CMD ["own"]\nENTRYPOINT ["e"]', { bases })).config.Cmd).toEqual(['own'])
})

test('ENV of the image is kept in its order, with what changes in its place', async () => {
  const bases = { base: { config: { Env: ['A=1', 'PATH=/p', 'B=2'] } } }
  expect((await after('ENV B=3 C=4 A=5', { bases })).config.Env).toEqual(['A=5', 'PATH=/p', 'B=3', 'C=4'])
})

describe('ARG', () => {
  const history = async (text: string, buildArgs = {}): Promise<string[]> =>
    (await planText(text, { buildArgs })).steps.map((step) => step.createdBy)

  test('has the given value, else its default, else none', async () => {
    const text = 'FROM base\nARG A=1 B C=$A\n'
    expect(await history(text)).toEqual(['ARG A=1 B C=1'])
    expect(await history(text, { A: '2', B: '3' })).toEqual(['ARG A=2 B=3 C=2'])
  })

  test('of the global ones, only what a stage declares comes in; its own default wins', async () => {
    expect(await history('ARG G=global\nFROM base\nARG G\nENV E=$G\n')).toEqual(['ARG G=global', 'ENV E=global'])
    expect(await history('ARG G=global\nFROM base\nARG G=own\nENV E=$G\n')).toEqual(['ARG G=own', 'ENV E=own'])
    expect(await history('ARG G=global\nFROM base\nENV E=[$G]\n')).toEqual(['ENV E=[]'])
  })

  test('what ENV says afterwards wins', async () => {
    expect(await history('FROM base\nARG V=arg\nENV V=env\nLABEL l=$V\n', { V: 'cli' })).toEqual([
      'ARG V=cli',
      'ENV V=env',
      'LABEL l=env',
    ])
  })

  test('the platform’s arguments are there once declared', async () => {
    const options = { platform: { os: 'linux', architecture: 'arm', variant: 'v7' } }
    const text = 'FROM base\nARG TARGETPLATFORM\nARG TARGETVARIANT\nARG BUILDARCH\nARG TARGETSTAGE\n'
    const stage = await planText(text, options)
    expect(stage.steps.map((step) => step.createdBy)).toEqual([
      'ARG TARGETPLATFORM=linux/arm/v7',
      'ARG TARGETVARIANT=v7',
      'ARG BUILDARCH=amd64',
      'ARG TARGETSTAGE=default',
    ])
  })
})

/** BuildKit's words, and the line they point at. */
const ERRORS: [lines: string, message: string][] = [
  ['STOPSIGNAL SIGNOPE', '2: invalid signal: SIGNOPE'],
  ['VOLUME $NOTHING', '2: VOLUME specified can not be an empty string'],
  ['EXPOSE 80/what', '2: invalid port: "80/what": invalid proto: what'],
  [`ENV A=$\{B:?missing}`, `2: failed to process "$\{B:?missing}": B: missing`],
  [`RUN a\nENV A=$\{B^^}`, `3: failed to process "$\{B^^}": unsupported modifier (^) in substitution`],
  ['RUN --mount=type=cache x', '2: invalid mount target "/"'],
  ['RUN --security=insecure x', '2: failed to load LLB: security.insecure is not allowed'],
  ['RUN --network=host x', '2: failed to load LLB: network.host is not allowed'],
  ['RUN []', '2: failed to marshal LLB definition: arguments are required'],
  ['RUN --device=a x', '2: device feature is only supported in Dockerfile frontend 1.14.0-labs or later'],
  ['ADD --checksum=md5:1 http://x.invalid/f /', '2: invalid checksum md5:1: only sha256:... is supported'],
  ['COPY --chmod=999 a b', "2: invalid chmod parameter: '999'. it should be octal string and between 0 and 07777"],
]

describe('errors have a line', () => {
  test.each(ERRORS)('%s', async (lines, message) => {
    expect(await errorOf(planText(`FROM base\n${lines}\n`))).toBe(message)
  })
})
