import { parseDuration, quoteGo } from '../../core/index.ts'
import type { Healthcheck } from '../../oci/index.ts'
import { located } from '../locate.ts'
import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { commandLineOf } from './command-line.ts'
import { type Flags, parseFlags } from './flags.ts'
import { atLeastOne, type InstructionBase, malformed } from './malformed.ts'

/** `HEALTHCHECK NONE` or `HEALTHCHECK [flags] CMD command`. */
export interface HealthcheckInstruction extends InstructionBase<'healthcheck'> {
  /** As it goes into the image config; times that are not given, or zero, are absent. */
  readonly check: Healthcheck
}

const FLAGS = {
  interval: 'string',
  retries: 'string',
  'start-interval': 'string',
  'start-period': 'string',
  timeout: 'string',
} as const

const MILLISECOND = 1_000_000
/** Half the range of a 32-bit integer. */
const INT32 = 2 ** 31

/** Understands HEALTHCHECK. Flags before NONE are overlooked, as in BuildKit. */
export function parseHealthcheck(node: DockerfileNode): HealthcheckInstruction {
  const [type, ...args] = atLeastOne(node, 'HEALTHCHECK')
  const name = type!.text.toUpperCase()
  if (name === 'NONE') {
    if (args.length > 0) throw malformed(args[0]!, 'HEALTHCHECK NONE takes no arguments')
    return { kind: 'healthcheck', node, check: { Test: ['NONE'] } }
  }
  const flags = parseFlags(node, FLAGS)
  if (name !== 'CMD') throw malformed(type!, `Unknown type ${quoteGo(name)} in HEALTHCHECK (try CMD)`)
  if (args.length === 0) throw malformed(node, 'Missing command after HEALTHCHECK CMD')
  const command = commandLineOf(args, node.isJson)
  const test = command.form === 'exec' ? ['CMD', ...command.args] : ['CMD-SHELL', command.text]
  return { kind: 'healthcheck', node, check: { Test: test, ...parseTimes(flags) } }
}

function parseTimes(flags: Flags<typeof FLAGS>): Omit<Healthcheck, 'Test'> {
  const times = {
    Interval: intervalOf('interval', flags.interval),
    Timeout: intervalOf('timeout', flags.timeout),
    StartPeriod: intervalOf('start-period', flags['start-period']),
    StartInterval: intervalOf('start-interval', flags['start-interval']),
    Retries: retriesOf(flags.retries),
  }
  return Object.fromEntries(Object.entries(times).filter(([, value]) => value !== 0))
}

function intervalOf(name: string, value: Token | undefined): number {
  if (!value || value.text === '') return 0
  const duration = durationOf(value)
  if (duration !== 0 && duration < MILLISECOND) {
    throw malformed(value, `Interval ${quoteGo(name)} cannot be less than 1ms`)
  }
  return duration
}

function durationOf(value: Token): number {
  try {
    return parseDuration(value.text)
  } catch (error) {
    throw located(error, value.span)
  }
}

function retriesOf(value: Token | undefined): number {
  if (!value || value.text === '') return 0
  const count = /^[+-]?[0-9]+$/.test(value.text) ? Number(value.text) : Number.NaN
  const isInRange = count >= -INT32 && count < INT32
  const fault = Number.isNaN(count) ? 'invalid syntax' : isInRange ? undefined : 'value out of range'
  if (fault) throw malformed(value, `strconv.ParseInt: parsing ${quoteGo(value.text)}: ${fault}`)
  if (count < 0) throw malformed(value, `--retries cannot be negative (${count})`)
  return count
}
