import { expect, test } from 'vitest'
import type { Outline } from '../index.ts'
import { folderOf, openBuilder } from './fixture.suite.ts'

const TEXT = `ARG A=1
# B is made of A
ARG B=$A-x
ARG C=\${D:-e}
ARG UNUSED=1
FROM scratch AS one
ARG A
# B another one
ARG B=$A
ARG lang=$B q="w w"
FROM one AS two
# A of two
ARG A=over
ARG none
# three is the last
FROM two AS three
COPY --from=one / /
ARG C
RUN --mount=type=secret,target=/x/$lang --mount=type=ssh,id=gh,required --mount=type=secret,id=B echo
FROM scratch AS four
ARG NEVER=1
`

async function outline(target: string, buildArgs = {}): Promise<Outline> {
  const { engine } = openBuilder()
  return engine.outline({ context: folderOf({ Dockerfile: TEXT }), target, buildArgs })
}

const argsOf = ({ args }: Outline): string[] => args.map(({ name, value, span }) => `${span.line} ${name}=${value}`)

test('arguments of the target and what it needs, the nearest one of a name', async () => {
  const found = await outline('three')
  expect(found).toMatchObject({ name: 'three', description: 'is the last' })
  expect(argsOf(found)).toEqual(['4 C=e', '9 B=1', '10 lang=1', '10 q=w w', '13 A=over', '14 none='])
  expect(found.args.map(({ description }) => description)).toEqual([
    undefined,
    'another one',
    undefined,
    undefined,
    'of two',
    undefined,
  ])
})

test('values that are given', async () => {
  expect(argsOf(await outline('two', { A: '77', none: 'x' }))).toEqual([
    '9 B=77',
    '10 lang=77',
    '10 q=w w',
    '13 A=77',
    '14 none=x',
  ])
})

test('secrets and ssh agents', async () => {
  const { secrets, ssh } = await outline('three')
  expect(secrets.map(({ name, required }) => [name, required])).toEqual([
    ['1', false],
    ['B', false],
  ])
  expect(ssh.map(({ name, required, span }) => [name, required, span.line])).toEqual([['gh', true, 19]])
})

test('secrets that a comment mounts into every RUN of the stage', async () => {
  const { engine } = openBuilder()
  const text = '# slipway: mount=type=secret,id=token\nFROM scratch\n# slipway: mount=type=ssh\nRUN a\n'
  const { secrets, ssh } = await engine.outline({ context: folderOf({ Dockerfile: text }) })
  expect([...secrets, ...ssh].map(({ name, span }) => `${name} ${span.line}`)).toEqual(['token 4', 'default 4'])
})

test('an argument of FROM brings those that it is made of', async () => {
  const { engine } = openBuilder()
  const text = 'ARG V=1\nARG W=scratch\nARG BASE=${W}\nARG X=1\nFROM $BASE\n'
  const found = await engine.outline({ context: folderOf({ Dockerfile: text }) })
  expect(argsOf(found)).toEqual(['2 W=scratch', '3 BASE=scratch'])
  expect(found.name).toBeUndefined()
})

test('targets are the stages as they are written', async () => {
  const { engine } = openBuilder()
  const text =
    '# One the first\nFROM --platform=$X missing:$TAG AS One\n# one the first\nFROM one\n# b is last\nFROM a AS b\n'
  const { targets } = await engine.targets({ context: folderOf({ Dockerfile: text }) })
  expect(targets.map(({ span, ...target }) => ({ ...target, line: span.line }))).toEqual([
    { name: 'one', platform: '$X', base: 'missing:$TAG', isDefault: false, line: 2 },
    { base: 'one', isDefault: false, line: 4 },
    { name: 'b', description: 'is last', base: 'a', isDefault: true, line: 6 },
  ])
})
