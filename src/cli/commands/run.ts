import { readFileSync } from 'node:fs'
import path from 'node:path'
import { errnoOf, fail, hasCode, messageOf, SlipwayError } from '../../core/index.ts'
import {
  type CreatedContainer,
  type CreateRequest,
  type Engine,
  isStepRef,
  nameForMessage,
} from '../../engine/index.ts'
import { parsePlatform } from '../../oci/index.ts'
import { attachTerminal } from '../attach.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { parseExtraHost } from '../extra-host.ts'
import type { FlagValues } from '../flags.ts'
import { parseTmpfs, parseVolume } from '../mount-flags.ts'
import { pullTelling } from '../pull.ts'
import { jobOf, withEngine } from '../session.ts'

/** Flags of `create` and `run`. */
export const CREATE_FLAGS = {
  'add-host': { kind: 'list', about: 'Add a custom host-to-IP mapping (host:ip)' },
  entrypoint: { kind: 'string', about: 'Overwrite the default ENTRYPOINT of the image' },
  env: { kind: 'list', short: 'e', about: 'Set environment variables' },
  'env-file': { kind: 'list', completes: 'file', about: 'Read in a file of environment variables' },
  hostname: { kind: 'string', short: 'h', about: 'Container host name' },
  interactive: { kind: 'bool', short: 'i', about: 'Keep STDIN open even if not attached' },
  label: { kind: 'list', short: 'l', about: 'Set meta data on a container' },
  name: { kind: 'string', about: 'Assign a name to the container' },
  network: {
    kind: 'string',
    default: 'host',
    placeholder: 'network',
    about: 'Connect a container to a network: host or none',
  },
  platform: { kind: 'string', about: 'Set platform if server is multi-platform capable' },
  publish: { kind: 'list', short: 'p', hidden: true, about: "Publish a container's port(s) to the host" },
  pull: {
    kind: 'string',
    default: 'missing',
    placeholder: 'string',
    about: 'Pull image before running ("always", "missing", "never")',
  },
  quiet: { kind: 'bool', short: 'q', about: 'Suppress the pull output' },
  'read-only': { kind: 'bool', about: "Mount the container's root filesystem as read only" },
  rm: { kind: 'bool', about: 'Automatically remove the container when it exits' },
  'shm-size': { kind: 'size', about: 'Size of /dev/shm' },
  'stop-signal': { kind: 'string', placeholder: 'signal', about: 'Signal to stop the container' },
  tmpfs: { kind: 'list', about: 'Mount a tmpfs directory' },
  tty: { kind: 'bool', short: 't', about: 'Allocate a pseudo-TTY' },
  user: { kind: 'string', short: 'u', about: 'Username or UID (format: <name|uid>[:<group|gid>])' },
  volume: { kind: 'list', short: 'v', about: 'Bind mount a volume' },
  workdir: { kind: 'string', short: 'w', about: 'Working directory inside the container' },
} as const

/** What the flags and operands of `create` and `run` ask for. Fails with `USAGE_INVALID`. */
function createRequestOf(context: {
  flags: FlagValues<typeof CREATE_FLAGS>
  args: readonly string[]
  env: NodeJS.ProcessEnv
}): CreateRequest {
  const { flags, args, env } = context
  if (flags.publish.length > 0) {
    throw fail('USAGE_INVALID', '--publish needs a bridge network, which this version does not have', {
      hint: "containers share the host's network here: what they listen on is open at once",
    })
  }
  const [image = '', ...command] = args
  return {
    image,
    command,
    env: [...flags['env-file'].flatMap(readEnvFile), ...flags.env].flatMap((pair) => envPair(pair, env)),
    terminal: flags.tty,
    openStdin: flags.interactive,
    network: networkOf(flags.network),
    mounts: [...flags.volume.map((text) => parseVolume(text)), ...flags.tmpfs.map(parseTmpfs)],
    extraHosts: flags['add-host'].map(parseExtraHost),
    readonlyRootfs: flags['read-only'],
    labels: Object.fromEntries(flags.label.map(labelOf)),
    autoRemove: flags.rm,
    ...given('name', flags.name),
    ...given(
      'entrypoint',
      flags.entrypoint === undefined ? undefined : flags.entrypoint === '' ? [] : [flags.entrypoint],
    ),
    ...given('platform', flags.platform ? parsePlatform(flags.platform) : undefined),
    ...given('cwd', flags.workdir === undefined ? undefined : path.posix.normalize(flags.workdir)),
    ...given('user', flags.user),
    ...given('hostname', flags.hostname),
    ...given('shmSize', flags['shm-size']),
    ...given('stopSignal', flags['stop-signal']),
  }
}

/** Makes the container that the command line asks for, and tells what Docker warns of. */
export async function createFrom(
  engine: Engine,
  context: Parameters<typeof createRequestOf>[0] & Pick<CommandContext, 'io' | 'globals' | 'signal'>,
): Promise<CreatedContainer> {
  const policy = pullPolicy(context.flags.pull)
  const request = await withStep(engine, createRequestOf(context), context.io)
  const made = await createPulled(engine, request, policy, context)
  for (const warning of made.warnings) await context.io.stderr.write(`WARNING: ${warning}\n`)
  return made
}

const POLICIES = ['always', 'missing', 'never'] as const

function pullPolicy(text: string): (typeof POLICIES)[number] {
  const policy = POLICIES.find((each) => each === text)
  if (policy) return policy
  throw fail('USAGE_INVALID', `invalid pull option: '${text}': must be one of "always", "missing" or "never"`, {
    data: { exitCode: 125 },
  })
}

/** Makes a container, and pulls its image before where that is wanted. */
async function createPulled(
  engine: Engine,
  request: CreateRequest,
  policy: (typeof POLICIES)[number],
  context: Pick<CommandContext, 'io' | 'globals' | 'signal'> & { flags: { quiet: boolean } },
): Promise<CreatedContainer> {
  const { image, platform } = request
  const { quiet } = context.flags
  const pull = (): Promise<void> =>
    pullTelling(engine, { image, ...(platform ? { platform } : {}) }, { context, to: 'stderr', quiet })
  if (policy === 'always') await pull()
  try {
    return engine.containers.create(request)
  } catch (error) {
    if (policy !== 'missing' || !hasCode(error, 'IMAGE_NOT_FOUND', 'PLATFORM_NOT_FOUND')) throw error
    if (!quiet) await context.io.stderr.write(`Unable to find image '${nameForMessage(image)}' locally\n`)
    await pull()
    return engine.containers.create(request)
  }
}

/**
 * A build step in place of an image: its file system, its environment and what it had mounted, as far as that is still
 * there; what is not is told.
 */
async function withStep(engine: Engine, request: CreateRequest, io: CommandContext['io']): Promise<CreateRequest> {
  if (!isStepRef(request.image)) return request
  const { image, mounts, missing } = await engine.builds.stepImage(request.image)
  if (missing.length > 0) await io.stderr.write(`warning: not there as in the build: ${missing.join(', ')}\n`)
  return { ...request, image: image.id, mounts: [...mounts, ...(request.mounts ?? [])] }
}

function given<K extends string, V>(key: K, value: V | undefined): { [N in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [N in K]?: V }
}

function networkOf(text: string): 'host' | 'none' {
  if (text === 'host' || text === 'none') return text
  throw fail('USAGE_INVALID', `network ${text} not found`, { hint: 'this version has the networks host and none' })
}

/** A name without a value takes that of this process, and is left out when there is none. */
function envPair(pair: string, env: NodeJS.ProcessEnv): string[] {
  if (pair.startsWith('=') || pair === '') {
    throw wrongArgument(pair, '-e, --env', `invalid environment variable: ${pair}`)
  }
  if (pair.includes('=')) return [pair]
  return env[pair] === undefined ? [] : [`${pair}=${env[pair]}`]
}

function labelOf(pair: string): [string, string] {
  const [key = '', value = ''] = pair.split(/=(.*)/s)
  if (key === '') throw wrongArgument(pair, '-l, --label', `invalid label '${pair}': empty name`)
  return [key, value]
}

function wrongArgument(text: string, flag: string, why: string): Error {
  const message = `invalid argument ${JSON.stringify(text)} for "${flag}" flag: ${why}`
  return fail('USAGE_INVALID', message, { data: { exitCode: 125 } })
}

function readEnvFile(file: string): string[] {
  const lines = textOf(file)
    .replace(/^\ufeff/, '')
    .split('\n')
  return lines.map((line) => line.replace(/^\s+/, '')).filter((line) => line !== '' && !line.startsWith('#'))
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const reason = errnoOf(error) === 'ENOENT' ? 'no such file or directory' : messageOf(error)
    throw fail('USAGE_INVALID', `open ${file}: ${reason}`)
  }
}

/** `slipway run`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  operands: { min: 1, completes: 'image' },
  stopsAtOperand: true,
  ownsSignals: true,
  flags: {
    ...CREATE_FLAGS,
    detach: { kind: 'bool', short: 'd', about: 'Run container in background and print container ID' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags } = context
      try {
        const { id } = await createFrom(engine, context)
        return flags.detach ? await runDetached(engine, id, context) : await runAttached(engine, id, context)
      } catch (error) {
        // Docker answers 125 when it is not the command that failed
        if (error instanceof SlipwayError && error.fault !== 'canceled') error.data['exitCode'] ??= 125
        throw error
      }
    }),
})

type RunContext = Pick<CommandContext, 'io' | 'globals' | 'signal'>
type AttachedContext = RunContext & { flags: { rm: boolean; interactive: boolean; tty: boolean } }

/** Opens a shell in what a build step left, as `run --rm -it` does. */
export async function enterStep(engine: Engine, step: string, context: RunContext): Promise<number> {
  const flags = { rm: true, interactive: true, tty: true }
  const request = await withStep(engine, { image: step, terminal: true, openStdin: true, autoRemove: true }, context.io)
  return runAttached(engine, engine.containers.create(request).id, { ...context, flags })
}

async function runDetached(engine: Engine, id: string, { flags, io, globals }: AttachedContext): Promise<number> {
  await startOrRemove(engine, id, flags, { onExit: flags.rm ? removal(id, globals.root) : [] })
  await io.stdout.write(`${id}\n`)
  return 0
}

/** The command by which a container's monitor removes it. */
function removal(id: string, root: string | undefined): string[] {
  const self = [process.execPath, ...process.execArgv, process.argv[1]!, ...(root ? ['--root', root] : [])]
  return [...self, '__exited', id]
}

/** The same, but only when this process is gone: as long as it is there, it removes the container itself. */
function removalInstead(id: string, root: string | undefined): string[] {
  return ['/bin/sh', '-c', '[ -d "/proc/$0" ] || exec "$@"', String(process.pid), ...removal(id, root)]
}

async function runAttached(engine: Engine, id: string, context: AttachedContext): Promise<number> {
  const { flags, io } = context
  const session = attachTerminal(engine, id, { io, terminal: flags.tty, interactive: flags.interactive })
  try {
    const onExit = flags.rm ? removalInstead(id, context.globals.root) : []
    await startOrRemove(engine, id, flags, { onCreated: session.begin, onExit })
    await session.outputEnded()
    return await engine.containers.wait(id, jobOf(context))
  } finally {
    session.end()
    if (flags.rm) await engine.containers.remove(id, { force: true }).catch(() => {})
  }
}

/** A container that could not be started and was to be removed afterwards is removed at once. */
async function startOrRemove(
  engine: Engine,
  id: string,
  flags: { rm: boolean },
  options: Parameters<Engine['containers']['start']>[1],
): Promise<void> {
  try {
    await engine.containers.start(id, options)
  } catch (error) {
    if (flags.rm) await engine.containers.remove(id, { force: true }).catch(() => {})
    throw error
  }
}
