import { describe, expect, test } from 'vitest'
import { fail } from '../core/index.ts'
import { type CommandContext, type CommandTable, defineCommand } from './command.ts'
import { type CommandIo, type Output, OutputClosed } from './io.ts'
import { main } from './main.ts'

/** Output that is kept. */
function memoryIo(columns = 80): { io: CommandIo; out: () => string; err: () => string } {
  const texts = { out: '', err: '' }
  const output = (name: 'out' | 'err'): Output => ({
    async write(data) {
      texts[name] += Buffer.from(data).toString()
    },
    writeNow(data) {
      texts[name] += Buffer.from(data).toString()
    },
    terminal: () => ({ isTerminal: false, columns, rows: 24, colors: false }),
  })
  const io = { stdout: output('out'), stderr: output('err'), stdin: () => process.stdin }
  return { io, out: () => texts.out, err: () => texts.err }
}

const loaded: string[] = []
let seen: CommandContext | undefined

const images = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  operands: { min: 0, max: 1, completes: 'image' },
  flags: {
    all: { kind: 'bool', short: 'a', about: 'Show all images' },
    filter: { kind: 'list', short: 'f', placeholder: 'filter', about: 'Filter output based on conditions provided' },
    last: {
      kind: 'int',
      default: -1,
      about: 'Show the newest ones, which is a longer text than fits into one line of help',
    },
    secret: { kind: 'string', hidden: true, about: 'not shown' },
  },
  async run(context) {
    seen = context as unknown as CommandContext
    const all: boolean = context.flags.all
    const last: number = context.flags.last
    const secret: string | undefined = context.flags.secret
    await context.io.stdout.write(`images ${all} ${last} ${secret} ${context.args.join(',')}\n`)
    return 0
  },
})

const simple = (run: (context: CommandContext) => Promise<number>, operands = { min: 0, max: 0 }) =>
  defineCommand({ usage: '[OPTIONS] IMAGE', operands, flags: {}, run: run as never })

const run = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  operands: { min: 1 },
  stopsAtOperand: true,
  flags: { rm: { kind: 'bool', about: 'Remove' } },
  async run({ args, flags, io }) {
    await io.stdout.write(`run ${flags.rm} ${args.join(' ')}\n`)
    return 3
  },
})

const table: CommandTable = {
  groups: [
    { path: 'image', summary: 'Manage images' },
    { path: 'container', summary: 'Manage containers' },
  ],
  commands: [
    {
      paths: ['image ls', 'image list', 'images'],
      summary: 'List images',
      common: 2,
      load: async () => {
        loaded.push('images')
        return { command: images }
      },
    },
    {
      paths: ['container run', 'run'],
      summary: 'Create and run a new container',
      common: 1,
      load: async () => ({ command: run }),
    },
    {
      paths: ['image tag', 'tag'],
      summary: 'Create a tag',
      load: async () => ({ command: simple(async () => 0, { min: 2, max: 2 }) }),
    },
    {
      paths: ['broken'],
      summary: 'Fails',
      load: async () => ({
        command: simple(async () => {
          throw fail('IMAGE_NOT_FOUND', 'No such image: x\x1b[2J', { hint: 'pull it.' })
        }),
      }),
    },
    {
      paths: ['pipe'],
      summary: 'Has no reader',
      load: async () => ({
        command: simple(async () => {
          throw new OutputClosed()
        }),
      }),
    },
    { paths: ['secret'], summary: 'Hidden', hidden: true, load: async () => ({ command: simple(async () => 0) }) },
  ],
}

async function call(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const memory = memoryIo()
  const code = await main(argv, { table, io: memory.io, env: {} })
  return { code, out: memory.out(), err: memory.err() }
}

describe('a command', () => {
  test.each([
    [['images', '-a', 'x']],
    [['image', 'ls', 'x', '--all']],
    [['image', 'list', '--all=true', '--', 'x']],
    [['--debug', '-l', 'warn', 'images', '-a', 'x']],
  ])('%j runs by any of its names', async (argv) => {
    expect(await call(...argv)).toEqual({ code: 0, out: 'images true -1 undefined x\n', err: '' })
  })

  test('knows how it was called and with what', async () => {
    await call('--root', '/r', '-D', '-H', 'unix:///x', 'image', 'ls', '--last=5')
    expect(seen).toMatchObject({
      path: 'slipway image ls',
      args: [],
      globals: { root: '/r', debug: true, logLevel: 'info' },
    })
    expect(seen!.given).toEqual(new Set(['last']))
  })

  test('gives its exit code, and leaves what follows its operand alone', async () => {
    expect(await call('run', '--rm', 'alpine', 'ls', '--help', '-x')).toEqual({
      code: 3,
      out: 'run true alpine ls --help -x\n',
      err: '',
    })
  })

  test('is loaded only when it is called', async () => {
    loaded.length = 0
    await call('--help')
    await call('run', 'x')
    expect(loaded).toEqual([])
    await call('images')
    expect(loaded).toEqual(['images'])
  })
})

describe('what goes wrong', () => {
  test('is printed with code and hint', async () => {
    expect(await call('broken')).toEqual({
      code: 1,
      out: '',
      err: 'error: No such image: x\\x1b[2J                                   IMAGE_NOT_FOUND\n  hint: pull it.\n',
    })
  })

  test('is silent when nobody reads any more', async () => {
    expect(await call('pipe')).toEqual({ code: 141, out: '', err: '' })
  })

  test.each([
    [
      ['--foo'],
      125,
      "unknown flag: --foo\n\nUsage:  slipway [OPTIONS] COMMAND [ARG...]\n\nRun 'slipway --help' for more information\n",
    ],
    [
      ['images', '-z'],
      125,
      "unknown shorthand flag: 'z' in -z\n\nUsage:  slipway images [OPTIONS] [REPOSITORY[:TAG]]\n\nRun 'slipway images --help' for more information\n",
    ],
    [
      ['image', '--foo', 'ls'],
      125,
      "unknown flag: --foo\n\nUsage:  slipway image\n\nRun 'slipway image --help' for more information\n",
    ],
    [['foo'], 1, "slipway: unknown command: slipway foo\n\nRun 'slipway --help' for more information\n"],
    [
      ['image', 'foo'],
      1,
      "slipway: unknown command: slipway image foo\n\nUsage:  slipway image\n\nRun 'slipway image --help' for more information\n",
    ],
    [
      ['tag', 'a'],
      1,
      "slipway: 'slipway tag' requires 2 arguments\n\nUsage:  slipway tag [OPTIONS] IMAGE\n\nRun 'slipway tag --help' for more information\n",
    ],
    [
      ['images', 'a', 'b'],
      1,
      "slipway: 'slipway images' requires at most 1 argument\n\nUsage:  slipway images [OPTIONS] [REPOSITORY[:TAG]]\n\nRun 'slipway images --help' for more information\n",
    ],
    [
      ['run'],
      1,
      "slipway: 'slipway run' requires at least 1 argument\n\nUsage:  slipway run [OPTIONS] IMAGE [COMMAND] [ARG...]\n\nSee 'slipway run --help' for more information\n",
    ],
    [
      ['broken', 'x'],
      1,
      "slipway: 'slipway broken' accepts no arguments\n\nUsage:  slipway broken [OPTIONS] IMAGE\n\nRun 'slipway broken --help' for more information\n",
    ],
  ])('%j is said in the words of Docker', async (argv, code, err) => {
    expect(await call(...argv)).toEqual({ code, out: '', err })
  })

  test.each(['__proto__', 'constructor', 'toString'])('%s is no command', async (word) => {
    expect((await call(word)).code).toBe(1)
    expect((await call('image', word)).code).toBe(1)
  })
})

describe('help', () => {
  test('of the program lists common commands, groups and the rest', async () => {
    const { code, out, err } = await call('--help')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(
      /^Usage: {2}slipway \[OPTIONS\] COMMAND\n\n.*\n\nCommon Commands:\n {2}run {9}Create and run a new container\n {2}images {6}List images\n\nManagement Commands:\n {2}container {3}Manage containers\n {2}image {7}Manage images\n\nCommands:\n {2}broken {6}Fails\n {2}pipe {8}Has no reader\n {2}tag {9}Create a tag\n\nGlobal Options:\n/,
    )
    expect(out.endsWith("\n\nRun 'slipway COMMAND --help' for more information on a command.\n")).toBe(true)
    expect(out).not.toContain('Hidden')
  })

  test('that nobody asked for goes to stderr', async () => {
    const group =
      'Usage:  slipway image COMMAND\n\nManage images\n\nCommands:\n  ls          List images\n  tag         Create a tag\n\n'
    const err = `${group}Run 'slipway image COMMAND --help' for more information on a command.\n`
    expect(await call('image')).toEqual({ code: 0, out: '', err })
    expect(await call('image', '--help')).toEqual({ code: 0, out: err, err: '' })
    expect(await call('image', 'foo', '--help')).toEqual({ code: 0, out: err, err: '' })
    expect((await call()).out).toBe('')
  })

  test('of a command has usage, aliases and wrapped options', async () => {
    expect((await call('images', 'x', 'y', '--help')).out).toBe(
      [
        'Usage:  slipway images [OPTIONS] [REPOSITORY[:TAG]]',
        '',
        'List images',
        '',
        'Aliases:',
        '  slipway image ls, slipway image list, slipway images',
        '',
        'Options:',
        '  -a, --all             Show all images',
        '  -f, --filter filter   Filter output based on conditions provided',
        '      --last int        Show the newest ones, which is a longer text than',
        '                        fits into one line of help (default -1)',
        '',
      ].join('\n'),
    )
  })

  test('by -h says that it is old', async () => {
    const { out, err } = await call('images', '-h')
    expect(err).toBe('Flag shorthand -h has been deprecated, use --help\n')
    expect(out).toContain('Usage:  slipway images')
  })
})

test('the version of the program', async () => {
  expect((await call('--version')).out).toMatch(/^Slipway version \d+\.\d+\.\d+/)
  expect((await call('-v', 'images')).out).toMatch(/^images /)
})
