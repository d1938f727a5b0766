import { describe, expect, test } from 'vitest'
import type { ProgressEvent } from '../../core/index.ts'
import type { CheckReport } from '../index.ts'
import { folderOf, openBuilder } from './fixture.suite.ts'

type Options = { target?: string; buildArgs?: Record<string, string>; ignore?: string }

/** What a check of a text reports. */
async function check(text: string, { ignore, ...options }: Options = {}): Promise<CheckReport> {
  const { engine } = openBuilder()
  const context = folderOf(ignore === undefined ? {} : { '.dockerignore': ignore })
  return engine.check({ context, dockerfile: { name: 'Dockerfile', text }, ...options })
}

const shown = ({ warnings }: CheckReport): string[] => warnings.map(({ rule, span }) => `${rule} ${span.line}`)

const TWO_STAGES = 'FROM scratch AS one\nWORKDIR a\nFROM scratch AS two\nWORKDIR b\nMAINTAINER me\n'

describe('stages', () => {
  test('all of them are judged when none is named', async () => {
    expect(shown(await check(TWO_STAGES))).toEqual([
      'MaintainerDeprecated 5',
      'WorkdirRelativePath 2',
      'WorkdirRelativePath 4',
    ])
  })

  test('else the target and what it needs; what the text shows is told of the whole file', async () => {
    expect(shown(await check(TWO_STAGES, { target: 'one' }))).toEqual([
      'MaintainerDeprecated 5',
      'WorkdirRelativePath 2',
    ])
  })

  test('a build judges what it needs, and reports and tells it', async () => {
    const { build, events } = openBuilder()
    const { warnings } = await build({ context: folderOf({ Dockerfile: TWO_STAGES }) })
    expect(warnings.map(({ rule, span }) => `${rule} ${span.line}`)).toEqual([
      'MaintainerDeprecated 5',
      'WorkdirRelativePath 4',
    ])
    const told = events.filter(
      (event): event is Extract<ProgressEvent, { type: 'warning' }> => event.type === 'warning',
    )
    expect(told.map(({ code, task }) => `${code} ${task}`)).toEqual([
      'MaintainerDeprecated [internal] load build definition from Dockerfile',
      'WorkdirRelativePath [internal] load build definition from Dockerfile',
    ])
  })
})

test('a build tells of the same thing in one line once; a check lists all that was found', async () => {
  const text = 'FROM scratch\nENV A=$NONE B=$NONE\nENV C=$NONE\n'
  const { build, events } = openBuilder()
  await build({ context: folderOf({ Dockerfile: text }) })
  expect(events.filter(({ type }) => type === 'warning')).toHaveLength(2)
  expect(shown(await check(text))).toEqual(['UndefinedVar 2', 'UndefinedVar 2', 'UndefinedVar 3'])
})

describe('what planning knows', () => {
  test('variables of the base image and of stages before', async () => {
    const { build, engine } = openBuilder()
    const base = 'FROM scratch\nENV FROM_BASE=1\nSHELL ["/bin/x"]\nCOPY <<E /a\nE\n'
    await build({ context: folderOf({ Dockerfile: base }), tags: ['base'] })
    const text = 'FROM base AS one\nENV A=$FROM_BASE B=$PATH C=$FROM_BASS\nFROM one\nENV D=$A\nCMD a\n'
    const report = await engine.check({ context: folderOf({}), dockerfile: { name: 'Dockerfile', text } })
    expect(report.warnings.map(({ message }) => message)).toEqual([
      "Usage of undefined variable '$FROM_BASS' (did you mean $FROM_BASE?)",
    ])
  })

  test('triggers of the base image are judged as a part of its FROM', async () => {
    const { build, engine } = openBuilder()
    const base = 'FROM scratch\nCOPY <<E /a\nE\nONBUILD WORKDIR here\nONBUILD ENV a b\n'
    await build({ context: folderOf({ Dockerfile: base }), tags: ['base'] })
    const report = await engine.check({
      context: folderOf({}),
      dockerfile: { name: 'Dockerfile', text: '\nFROM base\nWORKDIR /x\n' },
    })
    expect(shown(report)).toEqual(['WorkdirRelativePath 2', 'LegacyKeyValueFormat 2'])
  })

  test('.dockerignore, unless it brings files back', async () => {
    const text = 'FROM scratch\nCOPY build/app src /\nADD build /\nCOPY --from=0 build /\n'.replace(
      'COPY --from=0 build /\n',
      '',
    )
    expect(shown(await check(text, { ignore: 'build\n' }))).toEqual(['CopyIgnoredFile 2', 'CopyIgnoredFile 3'])
    expect(shown(await check(text, { ignore: 'build\n!build/app\n' }))).toEqual([])
  })

  test('build arguments', async () => {
    const text = 'ARG BASE\nFROM $BASE\nARG A=$NONE\n'
    expect(shown(await check(text, { buildArgs: { BASE: 'scratch', A: '1' } }))).toEqual(['InvalidDefaultArgInFrom 2'])
  })
})

describe('errors', () => {
  test('are a part of the report, with what was found before them, and the whole instruction', async () => {
    const report = await check('FROM scratch\nMAINTAINER me\nCOPY --from=9 \\\n  a \\\n  /b\nFROM scratch AS A\n')
    expect(shown(report)).toEqual(['MaintainerDeprecated 2', 'StageNameCasing 6'])
    expect(report.error).toMatchObject({ message: 'invalid stage index 9', span: { line: 3, endLine: 5 } })
  })

  test('of the text: its beginning is judged', async () => {
    const report = await check('FROM scratch\nMAINTAINER me\nFOO bar\nMAINTAINER you\n')
    expect(shown(report)).toEqual(['MaintainerDeprecated 2'])
    expect(report.error?.message).toBe(
      'dockerfile parse error on line 3: unknown instruction: FOO (did you mean FROM?)',
    )
    expect((await check('')).error?.message).toBe('the Dockerfile cannot be empty')
  })

  test('of a base image: no step is judged', async () => {
    const report = await check('FROM scratch AS one\nWORKDIR a\nFROM missing\nMAINTAINER me\n')
    expect(shown(report)).toEqual(['MaintainerDeprecated 4'])
    expect(report.error?.message).toContain('missing: failed to resolve source metadata')
  })

  test('of FROM, also in a stage that is not needed', async () => {
    const report = await check('FROM $NONE AS one\nFROM scratch\n', { target: '1' })
    expect(report.error).toMatchObject({ message: 'base name ($NONE) should not be blank', span: { line: 1 } })
  })

  test('error=true makes one of what was found', async () => {
    const text = '# check=error=true\nFROM scratch\nWORKDIR a\nMAINTAINER me\n'
    const report = await check(text)
    expect(report.error).toMatchObject({
      message: 'lint violation found for rules: MaintainerDeprecated, WorkdirRelativePath',
    })
    expect(report.error?.span).toBeUndefined()
    const { error } = openBuilder()
    expect(await error({ context: folderOf({ Dockerfile: text }) })).toMatchObject({ code: 'LINT_VIOLATION' })
  })

  test('of the options: the directive is the file’s, the build argument the user’s', async () => {
    expect((await check('# check=foo=true\nFROM scratch\n')).error?.message).toBe(
      'failed to parse check options: invalid check option "foo"',
    )
    const buildArgs = { BUILDKIT_DOCKERFILE_CHECK: 'foo' }
    await expect(check('FROM scratch\n', { buildArgs })).rejects.toMatchObject({ code: 'CHECK_INVALID' })
    const skip = { BUILDKIT_DOCKERFILE_CHECK: 'skip=all' }
    expect(shown(await check(TWO_STAGES, { buildArgs: skip }))).toEqual([])
  })
})
