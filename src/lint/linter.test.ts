import { describe, expect, test } from 'vitest'
import { linterFor, lintText } from './fixture.suite.ts'

const shown = (text: string, given = {}): string[] =>
  lintText(text, given).map(({ rule, span }) => `${rule} ${span.line}`)

test('warnings come in the order in which BuildKit finds them', () => {
  const text = `ARG TAG
FROM base AS Two
MAINTAINER me
CMD a
FROM busybox:$TAG as one
workdir x
FROM --platform=linux/amd64 one AS one
RUN a \\

  b
EXPOSE 80/TCP
`
  expect(shown(text, { platform: 'linux/arm64' })).toEqual([
    'NoEmptyContinuation 10',
    'StageNameCasing 2',
    'MaintainerDeprecated 3',
    'FromAsCasing 5',
    'DuplicateStageName 7',
    'ConsistentInstructionCasing 6',
    'InvalidDefaultArgInFrom 5',
    'FromPlatformFlagConstDisallowed 7',
    'InvalidBaseImagePlatform 2',
    'InvalidBaseImagePlatform 5',
    'JSONArgsRecommended 4',
    'WorkdirRelativePath 6',
    'ExposeProtoCasing 11',
  ])
})

test('a warning says which rule it is of, and where to read about it', () => {
  const [warning] = lintText('FROM scratch\nMAINTAINER me\n')
  expect(warning).toMatchObject({
    rule: 'MaintainerDeprecated',
    description: 'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
    url: 'https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/',
    message: 'Maintainer instruction is deprecated in favor of using label',
    span: { line: 2, endLine: 2 },
  })
})

test('FROM is judged up to the first one that makes no sense', () => {
  const lines = (first: string): string => `FROM ${first}\nFROM --platform=linux/amd64 scratch\n`
  const only = (text: string): string[] => shown(text).filter((line) => line.includes('From'))
  expect(only(lines('scratch'))).toEqual(['FromPlatformFlagConstDisallowed 2'])
  expect(only(lines('--platform=$NONE scratch'))).toEqual(['UndefinedArgInFrom 1'])
  expect(only(lines('--platform=linux/amd64 $NONE'))).toEqual(['InvalidDefaultArgInFrom 1', 'UndefinedArgInFrom 1'])
})

test('a text that is no Dockerfile is judged up to the mistake', () => {
  expect(shown('MAINTAINER me\n')).toEqual(['MaintainerDeprecated 1'])
  expect(shown('FROM scratch AS A\nCOPY a\nMAINTAINER me\n')).toEqual(['StageNameCasing 1'])
})

describe('rules are skipped', () => {
  const text = 'FROM scratch\nMAINTAINER me\nWORKDIR a\n'
  test('by the directive', () => {
    expect(shown(`# check=skip=MaintainerDeprecated\n${text}`)).toEqual(['WorkdirRelativePath 4'])
    expect(shown(`# check=skip=all\n${text}`)).toEqual([])
  })

  test('by the build argument, which takes the place of the directive', () => {
    const given = { buildArgs: { BUILDKIT_DOCKERFILE_CHECK: 'skip=WorkdirRelativePath' } }
    expect(shown(`# check=skip=all\n${text}`, given)).toEqual(['MaintainerDeprecated 3'])
  })

  test('by a comment right above the instruction, for that instruction', () => {
    const lines = (comment: string): string => `FROM scratch\n${comment}\nENV a b\nENV c d\n`
    expect(shown(lines('# check=skip=LegacyKeyValueFormat'))).toEqual(['LegacyKeyValueFormat 4'])
    expect(shown(lines('#check=skip=all'))).toEqual(['LegacyKeyValueFormat 4'])
    expect(shown(lines('# check=skip=UndefinedVar'))).toHaveLength(2)
    expect(shown(lines('# check=skip=LegacyKeyValueFormat\n#'))).toHaveLength(2)
    expect(shown('FROM scratch\n# check=skip=FromAsCasing\nFROM scratch as a\n')).toEqual([])
  })

  test('by a comment above the cause, when an earlier instruction is shown', () => {
    expect(shown('FROM scratch\nCMD ["a"]\n# check=skip=MultipleInstructionsDisallowed\nCMD ["b"]\n')).toEqual([])
  })
})

describe('error=true', () => {
  test('refuses with the names of all rules, once each', () => {
    const linter = linterFor('# check=error=true\nFROM scratch\nWORKDIR a\nMAINTAINER a\nMAINTAINER b\n')
    expect(() => linter.refuse()).toThrow('lint violation found for rules: MaintainerDeprecated, WorkdirRelativePath')
  })

  test('is content with a clean file, and with what is skipped', () => {
    linterFor('# check=error=true\nFROM scratch\n').refuse()
    linterFor('# check=error=true;skip=MaintainerDeprecated\nFROM scratch\nMAINTAINER a\n').refuse()
    linterFor('FROM scratch\nMAINTAINER a\n').refuse()
  })
})

test('steps can be forgotten', () => {
  const linter = linterFor('FROM scratch\nMAINTAINER a\nWORKDIR a\n')
  linter.dropSteps()
  expect(linter.warnings().map(({ rule }) => rule)).toEqual(['MaintainerDeprecated'])
})

test('a long file takes no longer than it should', () => {
  const lines = Array.from({ length: 30_000 }, (_, i) => `WORKDIR $none${i}\nCMD a`).join('\n')
  expect(lintText(`FROM scratch\n${lines}\n`).length).toBeGreaterThan(80_000)
})
