import { describe, expect, test } from 'vitest'
import { parseDockerfile } from '../../dockerfile/index.ts'
import { errorOf, planOptions, planSources, planText } from '../fixture.suite.ts'
import type { Vertex } from '../graph.ts'
import { planBuild } from './plan.ts'
import type { StageState } from './stage-state.ts'

/** Labels of all that a stage needs, each once, what is needed first. */
function labelsOf({ vertex }: StageState): string[] {
  const seen = new Map<string, string>()
  const visit = (at: Vertex): void => {
    if (seen.has(at.id)) return
    for (const input of at.inputs) visit(input)
    seen.set(at.id, at.label)
  }
  visit(vertex)
  return [...seen.values()]
}

const THREE_STAGES = `FROM base AS one
RUN make one
FROM other AS two
RUN make two
FROM base AS three
COPY --from=one /a /
`

describe('the target', () => {
  test('is the last stage, and what it does not need is not even looked at', async () => {
    const asked: string[] = []
    const stage = await planText(THREE_STAGES, { asked })
    expect(stage.label).toBe('three')
    expect(asked).toEqual(['base', 'base'])
    expect(labelsOf(stage)).toEqual([
      '[three 1/2] FROM docker.io/library/base',
      '[one 2/2] RUN make one',
      '[three 2/2] COPY --from=one /a /',
    ])
  })

  test('is named, in any case, or numbered', async () => {
    const bases = { base: {}, other: {} }
    for (const target of ['two', 'TWO', '1'])
      expect((await planText(THREE_STAGES, { target, bases })).label).toBe('two')
  })

  test('can be the number that is another name, which wins', async () => {
    const text = 'FROM base AS one\nFROM base AS two\n'
    expect((await planText(text, { target: '0' })).label).toBe('one')
  })

  test('that is missing says what may have been meant', async () => {
    expect(await errorOf(planText(THREE_STAGES, { target: 'thre' }))).toBe(
      ': target stage "thre" could not be found (did you mean three?)',
    )
    expect(await errorOf(planText(THREE_STAGES, { target: '3' }))).toBe(': target stage "3" could not be found')
  })
})

describe('FROM', () => {
  test('a base that is missing points at its name', async () => {
    expect(await errorOf(planText('FROM base AS a\nFROM nowhere\n'))).toBe('2: nowhere: not found')
  })

  test('an earlier stage goes before an image of the same name', async () => {
    const asked: string[] = []
    const stage = await planText('FROM base AS other\nENV A=1\nFROM other\n', { asked, bases: { base: {}, other: {} } })
    expect(asked).toEqual(['base'])
    expect(stage.config.Env).toContain('A=1')
  })

  test('a later stage is no base', async () => {
    expect(await errorOf(planText('FROM two AS one\nFROM base AS two\nFROM one\n'))).toBe('1: two: not found')
  })

  test('of two stages of one name the latest counts', async () => {
    const stage = await planText('FROM base AS a\nENV N=1\nFROM base AS a\nENV N=2\nFROM a\n')
    expect(stage.config.Env).toContain('N=2')
  })

  test('takes global arguments, given or by default', async () => {
    const text = 'ARG NAME=base\nARG FULL=$NAME\nFROM $FULL\n'
    const asked: string[] = []
    await planText(text, { asked })
    await planText(text, { asked, buildArgs: { NAME: 'other' }, bases: { other: {} } })
    expect(asked).toEqual(['base', 'other'])
  })

  test('a name that comes out empty is Docker’s error', async () => {
    expect(await errorOf(planText('ARG NAME\nFROM $NAME\n'))).toBe('2: base name ($NAME) should not be blank')
  })

  test('a platform is understood, with variables, and its errors have a place', async () => {
    const stage = await planText('FROM --platform=$BUILDPLATFORM base\n', {
      platform: { os: 'linux', architecture: 's390x' },
    })
    expect(stage.platform.architecture).toBe('amd64')
    expect(await errorOf(planText('FROM --platform=$NOTHING base\n'))).toBe(
      '1: empty platform value from expression $NOTHING',
    )
  })

  test('scratch has no layers, PATH, and / to work in', async () => {
    const { config, vertex, base } = await planText('FROM scratch\n')
    expect(base).toBeUndefined()
    expect(vertex.op).toMatchObject({ kind: 'image', diffIds: [] })
    expect(config).toEqual({
      Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      Labels: {},
      WorkingDir: '/',
    })
  })

  test('an image without PATH gets one, one with PATH keeps its own', async () => {
    const bases = { bare: {}, own: { config: { Env: ['PATH=/own', 'A=1'] } } }
    expect((await planText('FROM bare\n', { bases })).config.Env).toEqual([expect.stringMatching(/^PATH=\/usr/)])
    expect((await planText('FROM own\n', { bases })).config.Env).toEqual(['PATH=/own', 'A=1'])
  })

  test('an image hands down its config and its author', async () => {
    const config = { Cmd: ['x'], Labels: { a: 'b' }, User: 'u', WorkingDir: '/w' }
    const bases = { base: { config, about: { author: 'somebody' } } }
    const stage = await planText('FROM base\n', { bases })
    expect(stage.config).toMatchObject(config)
    expect(stage.author).toBe('somebody')
  })
})

describe('stages', () => {
  test('one that copies from itself is a circle', async () => {
    const self = 'FROM base AS a\nCOPY --from=a /x /\n'
    expect(await errorOf(planText(self))).toBe('2: circular dependency detected on stage: a')
    expect(await errorOf(planText('FROM base\nRUN --mount=from=0,target=/x x\n'))).toBe(
      '2: circular dependency detected on stage: 0',
    )
  })

  test.each([
    ['COPY --from=b /x /', 'cannot copy from stage "b", it needs to be defined before current stage "a"'],
    ['COPY --from=1 /x /', 'cannot copy from stage "1", it needs to be defined before current stage "a"'],
    [
      'RUN --mount=from=B,target=/l x',
      'cannot mount from stage "B" to "/l", stage needs to be defined before current command',
    ],
  ])('one that stands later gives no files: %s', async (line, message) => {
    const text = `FROM base AS a\n${line}\nFROM a AS b\nRUN x\n`
    expect(await errorOf(planText(text))).toBe(`2: ${message}`)
    expect(await errorOf(planText(text, { target: 'a' }))).toBe(`2: ${message}`)
  })

  test('FROM finds one by its name in small letters, --from in any', async () => {
    const asked: string[] = []
    await planText('FROM base AS Big\nFROM big\nCOPY --from=BIG /x /y\n', { asked })
    expect(asked).toEqual(['base'])
    await planText('FROM base AS Big\nFROM Big\n', { asked, bases: { base: {}, Big: {} } })
    expect(asked).toContain('Big')
  })

  test('a platform or --from that is empty is none', async () => {
    const stage = await planText('FROM --platform= base\nCOPY --from= x /y\n')
    expect(stage.steps.at(-1)?.createdBy).toBe('COPY x /y # buildkit')
  })

  test('--from finds stages by number, images by name, and no stage that is not there', async () => {
    const asked: string[] = []
    const bases = { base: {}, other: {} }
    await planText('FROM base\nFROM base\nCOPY --from=0 /x /\nCOPY --from=other /y /\n', { asked, bases })
    expect(asked).toEqual(['base', 'base', 'other'])
    expect(await errorOf(planText('FROM base\nCOPY --from=7 /x /\n'))).toBe('2: invalid stage index 7')
  })

  test('equal work of two stages is one vertex', async () => {
    const stage = await planText(
      'FROM base AS a\nRUN same\nFROM base AS b\nRUN same\nFROM base\nCOPY --from=a /x /\nCOPY --from=b /y /\n',
    )
    expect(labelsOf(stage).filter((label) => label.includes('RUN same'))).toHaveLength(1)
  })

  test('labels count steps that can make layers, and name stages where there are several', async () => {
    const one = await planText('FROM base\nENV A=1\nRUN a\nWORKDIR /w\nCOPY . .\n')
    expect(labelsOf(one)).toEqual([
      '[1/4] FROM docker.io/library/base',
      '[2/4] RUN a',
      '[3/4] WORKDIR /w',
      '[internal] load build context',
      '[4/4] COPY . .',
    ])
    const two = await planText('FROM base\nRUN a\nFROM base\nCOPY --from=0 / /\n')
    expect(labelsOf(two)).toContain('[stage-1 2/2] COPY --from=0 / /')
  })

  test('numbers are as wide as the largest', async () => {
    const stage = await planText(`FROM base\n${'RUN a\n'.repeat(10)}`)
    expect(labelsOf(stage)[1]).toBe('[ 2/11] RUN a')
  })

  test('a stage from a stage goes on with all that it has', async () => {
    const text = 'FROM base AS a\nARG X=1\nENV E=$X\nCMD ["c"]\nRUN a\nFROM a\nRUN b\nENTRYPOINT ["e"]\n'
    const stage = await planText(text)
    expect(stage.steps.map((step) => step.createdBy)).toEqual([
      'ARG X=1',
      'ENV E=1',
      'CMD ["c"]',
      'RUN |1 X=1 /bin/sh -c a # buildkit',
      'RUN |1 X=1 /bin/sh -c b # buildkit',
      'ENTRYPOINT ["e"]',
    ])
    expect(stage.config.Cmd).toBeNull()
  })
})

describe('ONBUILD triggers', () => {
  const bases = {
    base: { config: { OnBuild: ['ENV FROM_TRIGGER=1', 'COPY . /x', 'RUN echo $FROM_TRIGGER'] } },
  }

  test('come before the stage’s own instructions, count as steps, and are used up', async () => {
    const stage = await planText('FROM base\nRUN own\n', { bases })
    expect(stage.config.OnBuild).toBeUndefined()
    expect(stage.steps.map((step) => step.createdBy)).toEqual([
      'ENV FROM_TRIGGER=1',
      'COPY . /x # buildkit',
      'RUN /bin/sh -c echo $FROM_TRIGGER # buildkit',
      'RUN /bin/sh -c own # buildkit',
    ])
    expect(stage.stepCount).toBe(4)
  })

  test('of an earlier stage run in the stage that starts from it', async () => {
    const stage = await planText('FROM base AS a\nONBUILD RUN later\nFROM a\n', { bases: { base: {} } })
    expect(stage.steps.map((step) => step.createdBy)).toEqual(['RUN /bin/sh -c later # buildkit'])
  })
})

describe('what the command line adds', () => {
  test('labels win over those of the Dockerfile, and write no history', async () => {
    const stage = await planText('FROM base\nLABEL a=file b=file\n', { labels: { a: 'cli', c: 'cli' } })
    expect(stage.config.Labels).toEqual({ a: 'cli', b: 'file', c: 'cli' })
    expect(stage.steps.map((step) => step.createdBy)).toEqual(['LABEL a=file b=file'])
  })

  test('labels do not reach the stages below', async () => {
    const text = 'FROM base AS a\nFROM a\n'
    expect((await planText(text, { labels: { x: 'y' }, target: 'a' })).config.Labels).toEqual({ x: 'y' })
  })

  test('--no-cache marks every step, and no base', async () => {
    const { vertex } = await planText('FROM base\nRUN a\n', { noCache: true })
    expect(vertex.ignoreCache).toBe(true)
    expect(vertex.inputs[0]!.ignoreCache).toBeUndefined()
  })
})

test('each stage that the target needs is announced, once', async () => {
  const planned: number[] = []
  const listener = { begun: ({ index }: { index: number }) => void planned.push(index) }
  const sources = { ...planSources({ base: {} }), listener }
  const text = 'FROM base AS a\nFROM base AS unused\nFROM base\nCOPY --from=a / /\nCOPY --from=a / /b\n'
  await planBuild(parseDockerfile({ name: 'Dockerfile', text }), planOptions(), sources)
  expect(planned.sort()).toEqual([0, 2])
})

test('vertices have equal ids exactly when they do equal work', async () => {
  const idOf = async (text: string, buildArgs = {}): Promise<string> => (await planText(text, { buildArgs })).vertex.id
  const id = await idOf('FROM base\nRUN a\n')
  expect(await idOf('FROM base\n# a comment\nLABEL x=y\nRUN a\n')).toBe(id)
  expect(await idOf('FROM base\nRUN b\n')).not.toBe(id)
  expect(await idOf('FROM base\nENV A=1\nRUN a\n')).not.toBe(id)
  expect(await idOf('FROM base\nUSER u\nRUN a\n')).not.toBe(id)
  expect(await idOf('FROM base\nARG X\nRUN a\n', { X: '1' })).not.toBe(
    await idOf('FROM base\nARG X\nRUN a\n', { X: '2' }),
  )
})
