import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SlipwayError } from '../core/index.ts'
import { parseDockerfile, parseTrigger } from './dockerfile.ts'

const understand = (text: string) => parseDockerfile({ name: 'Dockerfile', text })

test('stages, global arguments and the rest', () => {
  const text = '#syntax=docker/dockerfile:1\nARG a b\nARG c\nFROM x AS One\nRUN y\nARG d\nFROM one\nCMD \\\n\nz\n'
  const { directives, escape: escapeChar, globalArgs, stages, warnings, nodes, source } = understand(text)
  expect(directives.map(({ name }) => name)).toEqual(['syntax'])
  expect(escapeChar).toBe('\\')
  expect(globalArgs.flatMap(({ declarations }) => declarations.map(({ name }) => name.text))).toEqual(['a', 'b', 'c'])
  const shape = stages.map(({ index, name, from, instructions }) => [
    index,
    name,
    from.base.text,
    instructions.map(({ kind }) => kind),
  ])
  expect(shape).toEqual([
    [0, 'one', 'x', ['run', 'arg']],
    [1, undefined, 'one', ['cmd']],
  ])
  expect([warnings.length, nodes.length, source.text]).toEqual([1, 7, text])
})

describe('what is refused', () => {
  test.each([
    ['', 'the Dockerfile cannot be empty'],
    ['ARG x', 'dockerfile contains no stages to build'],
    ['ARG x\nRUN y\nFROM z', 'no build stage in current context'],
    ['FROM a\n\nFRUN b', 'dockerfile parse error on line 3: unknown instruction: FRUN (did you mean RUN?)'],
    ['FROM a\n# c\nCOPY \\\n x', 'dockerfile parse error on line 3: COPY requires at least two arguments'],
    ['FROM a\nHEALTHCHECK --timeout=x CMD y', 'dockerfile parse error on line 2: time: invalid duration "x"'],
    ['FROM a\nRUN --mount= y', 'dockerfile parse error on line 2: failed to parse csv mounts: EOF'],
    ['FROM a\nCMD [1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
    ['FROM a\nCOPY --from=$x b c\nFOO', 'dockerfile parse error on line 3: unknown instruction: FOO'],
    ['FROM a\nCOPY --from=$x b c', 'variable expansion is not supported for --from'],
  ])('%j', (text, message) => {
    expect(() => understand(text)).toThrow(message)
  })

  test('with the place of the mistake', () => {
    const error = expect.objectContaining({
      span: expect.objectContaining({ line: 3, column: 3, endLine: 3, endColumn: 11 }),
    })
    expect(() => understand('FROM a\nCOPY \\\n  --chwn=x b c')).toThrow(error)
  })
})

describe('triggers', () => {
  test('are understood by themselves', () => {
    const copy = parseTrigger('COPY <<E /x\n$a\nE')
    expect(copy).toMatchObject({ kind: 'copy', files: [{ content: '$a\n' }] })
    expect(copy.node.span.source.name).toBe('ONBUILD')
  })

  test.each([
    ['RUN a\nRUN b', 'onbuild trigger should be a single expression'],
    ['foo bar', 'unknown instruction: foo'],
    ['FROM a', "FROM isn't allowed as an ONBUILD trigger"],
    ['ONBUILD RUN a', "ONBUILD isn't allowed as an ONBUILD trigger"],
    ['COPY --from=$a b c', 'variable expansion is not supported for --from'],
    ['COPY a', 'COPY requires at least two arguments'],
    ['', 'file with no instructions'],
  ])('%j is refused', (text, message) => {
    expect(() => parseTrigger(text)).toThrow(message)
  })
})

test('any text is understood or refused', () => {
  const part = fc.constantFrom(
    ...['FROM a\n', 'FROM a AS b\n', 'RUN ', 'COPY ', 'ADD ', 'HEALTHCHECK ', 'ONBUILD ', 'SHELL ', 'VOLUME ', 'ARG a'],
    ...['--mount=', '--from=b', '--link', '--interval=', '--device=', '--retries=1', '--network=', '--x'],
    ...['type=cache', ',', '"', '$a', '\n', '\n', ' ', ' ', 'a b', '["a"]', '<<E', '\nE\n', 'CMD', '1s', '=', 'é'],
  )
  fc.assert(
    fc.property(fc.array(part, { maxLength: 25 }), (parts) => {
      try {
        understand(`FROM x\n${parts.join('')}`)
      } catch (error) {
        expect(error).toBeInstanceOf(SlipwayError)
        expect((error as SlipwayError).span).toBeDefined()
      }
    }),
    { numRuns: 2000 },
  )
})
