import { describe, expect, test } from 'vitest'
import { type Instruction, parseInstruction } from './instruction.ts'
import { parse } from './parse.ts'

const understand = (text: string) => parseInstruction(parse({ name: 'Dockerfile', text }).nodes[0]!)
/** What an instruction says, without its node and places. */
const said = (instruction: Instruction): unknown => {
  const { node: _, ...rest } = instruction
  return JSON.parse(JSON.stringify(rest, (key, value) => (key === 'span' ? undefined : value)))
}

describe('instructions of one argument', () => {
  test.each([
    ['WORKDIR a b ', { kind: 'workdir', path: { text: 'a b' } }],
    ['User a:b', { kind: 'user', user: { text: 'a:b' } }],
    ['STOPSIGNAL $S', { kind: 'stopsignal', signal: { text: '$S' } }],
    ['MAINTAINER A <a@b>', { kind: 'maintainer', author: { text: 'A <a@b>' } }],
  ])('%s', (text, expected) => {
    expect(said(understand(text))).toEqual(expected)
  })

  test.each(['WORKDIR', 'USER', 'STOPSIGNAL', 'MAINTAINER'])('%s needs it', (keyword) => {
    expect(() => understand(keyword)).toThrow(`${keyword} requires exactly one argument`)
  })

  test.each(['WORKDIR', 'USER', 'MAINTAINER'])('%s takes no flags', (keyword) => {
    expect(() => understand(`${keyword} --x a`)).toThrow('unknown flag: --x')
  })

  test('STOPSIGNAL overlooks flags', () => {
    expect(said(understand('STOPSIGNAL --x 9'))).toEqual({ kind: 'stopsignal', signal: { text: '9' } })
  })
})

describe('instructions of lists', () => {
  test.each([
    ['VOLUME /a b', { kind: 'volume', paths: [{ text: '/a' }, { text: 'b' }] }],
    ['VOLUME ["/a b ", "c"]', { kind: 'volume', paths: [{ text: '/a b' }, { text: 'c' }] }],
    ['EXPOSE 81 80/udp 1$X', { kind: 'expose', ports: [{ text: '1$X' }, { text: '80/udp' }, { text: '81' }] }],
    ['SHELL ["a", "-c"]', { kind: 'shell', shell: ['a', '-c'] }],
  ])('%s', (text, expected) => {
    expect(said(understand(text))).toEqual(expected)
  })

  test.each([
    ['VOLUME', 'VOLUME requires at least one argument'],
    ['VOLUME []', 'VOLUME requires at least one argument'],
    ['VOLUME [" "]', 'VOLUME specified can not be an empty string'],
    ['VOLUME --x a', 'unknown flag: --x'],
    ['EXPOSE', 'EXPOSE requires at least one argument'],
    ['EXPOSE --x 80', 'unknown flag: --x'],
    ['SHELL', 'SHELL requires at least one argument'],
    ['SHELL []', 'SHELL requires at least one argument'],
    ['SHELL /bin/sh -c', 'SHELL requires the arguments to be in JSON form'],
    ['SHELL --x a', 'unknown flag: --x'],
  ])('%s is refused', (text, message) => {
    expect(() => understand(text)).toThrow(expect.objectContaining({ message }))
  })
})

describe('commands', () => {
  test.each(['CMD', 'ENTRYPOINT'])('%s', (keyword) => {
    const kind = keyword.toLowerCase()
    expect(said(understand(`${keyword} a  "b"`))).toEqual({ kind, command: { form: 'shell', text: 'a  "b"' } })
    expect(said(understand(`${keyword} ["a", "b c"]`))).toEqual({ kind, command: { form: 'exec', args: ['a', 'b c'] } })
    expect(said(understand(`${keyword} -- --a`))).toEqual({ kind, command: { form: 'shell', text: '--a' } })
    expect(said(understand(keyword))).toEqual({ kind, command: { form: 'shell', text: '' } })
    expect(() => understand(`${keyword} --a`)).toThrow('unknown flag: --a')
  })
})

test.each([
  ['FRUN a', 'unknown instruction: FRUN (did you mean RUN?)'],
  ['Frun a', 'unknown instruction: Frun (did you mean run?)'],
  ['<<<<<<< HEAD', 'unknown instruction: <<<<<<<'],
])('%s is unknown', (text, message) => {
  expect(() => understand(text)).toThrow(expect.objectContaining({ code: 'DOCKERFILE_INVALID', message }))
})
