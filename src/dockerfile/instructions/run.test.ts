import { expect, test } from 'vitest'
import { parse } from '../parse.ts'
import { parseRun } from './run.ts'

const run = (text: string) => parseRun(parse({ name: 'Dockerfile', text }).nodes[0]!)

test.each([
  ['RUN  a  b', { form: 'shell', text: 'a  b' }],
  ['RUN ["a", "b c"]', { form: 'exec', args: ['a', 'b c'] }],
  ['RUN []', { form: 'exec', args: [] }],
  ['RUN', { form: 'shell', text: '' }],
  ['RUN <<E sh\na\nE', { form: 'shell', text: '<<E sh' }],
])('%j', (text, command) => {
  expect(run(text).command).toEqual(command)
})

test('flags', () => {
  const flags = '--mount=type=cache,target=$X --mount=from=base,target=/b --network=none --security=insecure'
  const { mounts, network, security, devices } = run(`RUN ${flags} --device=a/b=c,required x`)
  expect(mounts.map(({ text, from }) => [text, from])).toEqual([
    ['type=cache,target=$X', undefined],
    ['from=base,target=/b', 'base'],
  ])
  expect({ network, security }).toEqual({ network: 'none', security: 'insecure' })
  expect(devices).toEqual([{ name: 'a/b=c', required: true }])
})

test.each([
  ['RUN --network=bridge x', 'invalid network mode "bridge"'],
  ['RUN --network= x', 'invalid network mode ""'],
  ['RUN --security=none x', 'security "none" is not valid'],
  ['RUN --mount=from=$a,target=/x x', "'from' doesn't support variable expansion, define alias stage instead"],
  ['RUN --mount= x', 'failed to parse csv mounts: EOF'],
  ['RUN --device=a,name=b x', 'device name already set to a'],
  ['RUN --mont=x y', 'unknown flag: --mont (did you mean mount?)'],
])('%s is refused', (text, message) => {
  expect(() => run(text)).toThrow(message)
})
