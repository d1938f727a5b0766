import { fail } from '../../core/index.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { REGISTRY_FLAGS, withRobotsOf } from '../registry-root.ts'

const flags = {
  scope: {
    kind: 'list',
    short: 's',
    placeholder: 'PATTERN:ACTIONS',
    about: 'Repositories and what to do with them: "team/*:pull,push" (several times)',
  },
  expires: {
    kind: 'string',
    placeholder: 'TIME',
    default: '90d',
    about: 'Time after which it is of no use: 12h, 30d, 1y, or "never"',
  },
  description: { kind: 'string', placeholder: 'TEXT', about: 'What it is for' },
  ...REGISTRY_FLAGS,
} as const

const UNITS: Readonly<Record<string, number>> = { m: 60, h: 3600, d: 86_400, w: 604_800, y: 31_536_000 }

/** `slipway registry token create`. Only the secret goes to standard output, so that it can be piped to where it is kept. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME',
  description: 'Make an account for a program: its user name is robot.NAME, its password is printed once',
  operands: { min: 1, max: 1 },
  flags,
  examples: 'slipway registry token create --scope "team/*:pull,push" --expires 30d ci',
  run: async (context) => {
    const { parseRobotScope } = await import('../../serve/index.ts')
    const scopes = context.flags.scope.map(parseRobotScope)
    if (scopes.length === 0) {
      throw fail('USAGE_INVALID', 'a token needs a scope', { hint: 'Say what it is for: --scope "team/*:pull,push"' })
    }
    const name = context.args[0]!
    const robot = { name, scopes, description: context.flags.description, expiresAt: expiryOf(context) }
    const secret = await withRobotsOf(context, (robots) => robots.create(robot))
    await context.io.stderr.write(`User name: robot.${name}\n`)
    await context.io.stdout.write(`${secret}\n`)
    return 0
  },
})

function expiryOf({ flags: { expires } }: CommandContext<typeof flags>): number | undefined {
  if (expires === 'never') return undefined
  const match = /^(\d{1,5})([mhdwy])$/.exec(expires)
  if (!match) {
    throw fail('USAGE_INVALID', `invalid time ${JSON.stringify(expires)} for --expires`, {
      hint: 'Write a number and m, h, d, w or y: 12h, 30d, 1y; or "never".',
    })
  }
  return Date.now() + Number(match[1]) * UNITS[match[2]!]! * 1000
}
