import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Flags } from './flags.ts'
import { parseArguments } from './grammar.ts'

const flags: Flags = {
  all: { kind: 'bool', short: 'a', about: '' },
  interactive: { kind: 'bool', short: 'i', about: '' },
  tty: { kind: 'bool', short: 't', about: '' },
  'no-trunc': { kind: 'bool', about: '' },
  name: { kind: 'string', about: '' },
  publish: { kind: 'list', short: 'p', about: '' },
  env: { kind: 'list', short: 'e', about: '' },
  label: { kind: 'map', short: 'l', about: '' },
  platform: { kind: 'csv', about: '' },
  memory: { kind: 'size', short: 'm', about: '' },
  last: { kind: 'int', short: 'n', about: '', default: -1 },
  port: { kind: 'int', about: '', min: 0, max: 65535 },
  interval: { kind: 'duration', about: '' },
  progress: { kind: 'choice', choices: ['auto', 'plain'], default: 'auto', about: '' },
  sbom: { kind: 'string', about: '', bare: 'true' },
  old: { kind: 'bool', about: '', deprecated: 'use --new' },
}
const parse = (...args: string[]) => parseArguments(args, flags)
const values = (...args: string[]) => {
  const { values: all, given } = parse(...args)
  return Object.fromEntries([...given].map((name) => [name, all[name]]))
}

test.each([
  [['--all'], { all: true }],
  [['--all=false'], { all: false }],
  [['--all=1', '--no-trunc=T'], { all: true, 'no-trunc': true }],
  [['-it'], { interactive: true, tty: true }],
  [['-it=false'], { interactive: true, tty: false }],
  [['--name', 'x'], { name: 'x' }],
  [['--name=x=y'], { name: 'x=y' }],
  [['--name='], { name: '' }],
  [['--name', 'a', '--name', 'b'], { name: 'b' }],
  [['-p80:80', '-p', '81:81', '-p=82:82', '--publish=83:83'], { publish: ['80:80', '81:81', '82:82', '83:83'] }],
  [['-itp', '80:80'], { interactive: true, tty: true, publish: ['80:80'] }],
  [['-e', '-not-a-flag', '-e', '--'], { env: ['-not-a-flag', '--'] }],
  [['-p='], { publish: ['='] }],
  [['--platform', 'a,b', '--platform=c'], { platform: ['a', 'b', 'c'] }],
  [['-m', '64m'], { memory: 67108864 }],
  [['-n5', '--port', '0x50'], { last: 5, port: 80 }],
  [['-n', '-3'], { last: -3 }],
  [['--interval', '1m30s'], { interval: 90000 }],
  [['--progress', 'plain'], { progress: 'plain' }],
  [['--sbom', '--all'], { sbom: 'true', all: true }],
  [['--sbom=x'], { sbom: 'x' }],
])('%j', (args, expected) => {
  expect(values(...args)).toEqual(expected)
  expect(parse(...args).operands).toEqual([])
})

test('a map keeps its order, later values win, and a key alone is empty', () => {
  const { label } = parse('-l', 'b=1', '--label', 'a=x=y', '-l', 'c', '-l', 'b=2').values
  expect([...(label as Map<string, string>)]).toEqual([
    ['b', '2'],
    ['a', 'x=y'],
    ['c', ''],
  ])
})

test('flags that were not given have their defaults', () => {
  const parsed = parse()
  expect(parsed.values).toMatchObject({
    all: false,
    name: undefined,
    env: [],
    last: -1,
    progress: 'auto',
    label: new Map(),
  })
  expect(parsed.given.size).toBe(0)
})

describe('operands', () => {
  test('mix with flags, and -- ends the flags', () => {
    const parsed = parse('a', '--all', 'b', '-', '--', '--name', '-x')
    expect(parsed.operands).toEqual(['a', 'b', '-', '--name', '-x'])
    expect([...parsed.given]).toEqual(['all'])
  })

  test('the first one can end the flags', () => {
    const parsed = parseArguments(['-it', 'alpine', 'ls', '-la', '--help'], flags, { stopsAtOperand: true })
    expect(parsed).toMatchObject({ operands: ['alpine'], rest: ['ls', '-la', '--help'], help: 'none' })
    expect(parseArguments(['-it', '--', '-x', '--all'], flags, { stopsAtOperand: true }).operands).toEqual([
      '-x',
      '--all',
    ])
  })
})

test('help can be asked for anywhere before the flags end', () => {
  expect([parse('a', '--help').help, parse('-h').help, parse('-ih').help]).toEqual(['long', 'short', 'short'])
  expect(parse('--help=false').help).toBe('none')
  expect(parseArguments(['-h', 'x'], { hostname: { kind: 'string', short: 'h', about: '' } })).toMatchObject({
    help: 'none',
    values: { hostname: 'x' },
  })
})

test('a deprecated flag works and says so', () => {
  expect(parse('--old')).toMatchObject({ values: { old: true }, notes: ['Flag --old has been deprecated, use --new'] })
})

test.each([
  [['--foo'], 'unknown flag: --foo'],
  [['--foo=x'], 'unknown flag: --foo'],
  [['--constructor'], 'unknown flag: --constructor'],
  [['-z'], "unknown shorthand flag: 'z' in -z"],
  [['-azi'], "unknown shorthand flag: 'z' in -zi"],
  [['---x'], 'bad flag syntax: ---x'],
  [['--=x'], 'bad flag syntax: --=x'],
  [['--name'], 'flag needs an argument: --name'],
  [['-p'], "flag needs an argument: 'p' in -p"],
  [['-ip'], "flag needs an argument: 'p' in -p"],
  [
    ['--all=maybe'],
    'invalid argument "maybe" for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
  [['-n', 'x'], 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax'],
  [['--port=-1'], 'invalid argument "-1" for "--port" flag: strconv.ParseUint: parsing "-1": invalid syntax'],
  [
    ['--port=65536'],
    'invalid argument "65536" for "--port" flag: strconv.ParseUint: parsing "65536": value out of range',
  ],
  [['-m', 'xx'], `invalid argument "xx" for "-m, --memory" flag: invalid size: 'xx'`],
  [['--interval', '5'], 'invalid argument "5" for "--interval" flag: time: missing unit in duration "5"'],
  [['--progress', 'x'], 'invalid argument "x" for "--progress" flag: must be one of "auto", "plain"'],
  [['-l', '=x'], 'invalid argument "=x" for "-l, --label" flag: key cannot be empty'],
])('%j fails', (args, message) => {
  expect(() => parse(...args)).toThrow(expect.objectContaining({ code: 'USAGE_INVALID', message }))
})

test('a flag can check its values', () => {
  const check = (text: string): void => {
    if (text === 'bad') throw new Error('valid streams are STDIN, STDOUT and STDERR')
  }
  const attach: Flags = { attach: { kind: 'list', short: 'a', about: '', check } }
  expect(parseArguments(['-a', 'ok'], attach).values).toEqual({ attach: ['ok'] })
  expect(() => parseArguments(['-a', 'bad'], attach)).toThrow(
    'invalid argument "bad" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR',
  )
})

test('any arguments are read or refused', () => {
  const arg = fc.oneof(fc.string(), fc.constantFrom('-', '--', '-it', '--name', '-p', '--all=', '--no-trunc', '-é'))
  fc.assert(
    fc.property(fc.array(arg), fc.boolean(), (args, stopsAtOperand) => {
      try {
        const parsed = parseArguments(args, flags, { stopsAtOperand })
        expect(parsed.operands.length + parsed.rest.length).toBeLessThanOrEqual(args.length)
      } catch (error) {
        expect(error).toMatchObject({ code: 'USAGE_INVALID' })
      }
    }),
  )
})
