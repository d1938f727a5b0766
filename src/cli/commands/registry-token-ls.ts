import type { Robot } from '../../serve/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { LIST_FORMAT } from '../format-flag.ts'
import { REGISTRY_FLAGS, withRobotsOf } from '../registry-root.ts'
import { humanAge, humanDuration } from '../render/durations.ts'
import { escapeMessage } from '../render/escape.ts'
import { goTime } from '../render/times.ts'
import { type Row, renderList } from '../template/index.ts'

const FORMATS = {
  typeName: '*formatter.RegistryTokenContext',
  headers: {
    Name: 'NAME',
    User: 'USER NAME',
    Scopes: 'SCOPES',
    Description: 'DESCRIPTION',
    CreatedAt: 'CREATED AT',
    CreatedSince: 'CREATED',
    ExpiresAt: 'EXPIRES AT',
    Expires: 'EXPIRES',
    LastUsed: 'LAST USED',
    LastUsedAt: 'LAST USED AT',
  },
  named: { table: 'table {{.Name}}\t{{.User}}\t{{.Scopes}}\t{{.CreatedSince}}\t{{.Expires}}\t{{.LastUsed}}' },
}

/** `slipway registry token ls`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    format: LIST_FORMAT,
    quiet: { kind: 'bool', short: 'q', about: 'Only display names' },
    ...REGISTRY_FLAGS,
  },
  run: async (context) => {
    const { flags, io } = context
    const { formatRobotScope } = await import('../../serve/index.ts')
    const now = new Date()
    const robots = await withRobotsOf(context, async (open) => open.list())
    const rows = robots.map((robot) => rowOf(robot, robot.scopes.map(formatRobotScope).join(' '), now))
    await io.stdout.write(renderList(flags.quiet ? '{{.Name}}' : flags.format, FORMATS, rows))
    return 0
  },
})

function rowOf(robot: Robot, scopes: string, now: Date): Row {
  const { name, description, createdAt, expiresAt, usedAt } = robot
  return {
    Name: name,
    User: `robot.${name}`,
    Scopes: scopes,
    Description: escapeMessage(description),
    CreatedAt: goTime(new Date(createdAt)),
    CreatedSince: humanAge(new Date(createdAt), now),
    ExpiresAt: expiresAt === undefined ? '' : goTime(new Date(expiresAt)),
    Expires: expiryText(robot, now),
    LastUsed: usedAt === undefined ? 'never' : humanAge(new Date(usedAt), now),
    LastUsedAt: usedAt === undefined ? '' : goTime(new Date(usedAt)),
  }
}

function expiryText({ isDisabled, expiresAt }: Robot, now: Date): string {
  if (isDisabled) return 'disabled'
  if (expiresAt === undefined) return 'never'
  const left = expiresAt - now.getTime()
  return left > 0 ? `in ${humanDuration(left)}` : 'expired'
}
