import { describe, expect, test } from 'vitest'
import { SlipwayError } from '../../core/index.ts'
import { checkSyntax } from './syntax.ts'

const check = (syntax: string, buildArgs = {}): void =>
  checkSyntax({ name: 'Dockerfile', text: `# check=skip=all\n# syntax=${syntax}\nFROM scratch\n` }, buildArgs)

function errorOf(work: () => void): SlipwayError | undefined {
  try {
    work()
  } catch (error) {
    if (error instanceof SlipwayError) return error
  }
  return undefined
}

describe('# syntax=', () => {
  test.each([
    'docker/dockerfile',
    'docker/dockerfile:1',
    'docker/dockerfile:1.7-labs',
    'docker.io/docker/dockerfile:1',
    `docker/dockerfile:1@sha256:${'a'.repeat(64)}`,
    'docker/dockerfile-upstream:master',
    'mirror.example.com/docker/dockerfile:1',
    'dockerfile.v0',
  ])('%s is built in', (syntax) => {
    expect(() => check(syntax)).not.toThrow()
  })

  test.each(['docker/dockerfile-other', 'r2d4/mockerfile', 'UPPER', 'gateway.v0'])('%s is not', (syntax) => {
    const error = errorOf(() => check(syntax))
    expect(error).toMatchObject({ code: 'SYNTAX_UNKNOWN', span: { line: 2, column: 1 } })
    expect(error?.message).toContain(syntax)
  })

  test('BUILDKIT_SYNTAX says something else than the file', () => {
    expect(() => check('r2d4/mockerfile', { BUILDKIT_SYNTAX: 'docker/dockerfile' })).not.toThrow()
    const error = errorOf(() => check('docker/dockerfile', { BUILDKIT_SYNTAX: 'other/one' }))
    expect(error).toMatchObject({ code: 'SYNTAX_UNKNOWN', span: undefined })
  })

  test('a file without it is a Dockerfile', () => {
    expect(() => checkSyntax({ name: 'Dockerfile', text: 'FROM scratch\n# syntax=other/one\n' })).not.toThrow()
  })
})
