import { rmSync, writeFileSync } from 'node:fs'
import { collectBytes, fail, messageOf, quoteGo, SlipwayError, type SourceFile } from '../../core/index.ts'
import type { BuildRequest, ProgressEvent } from '../../engine/index.ts'
import { type Platform, parsePlatform } from '../../oci/index.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { parseExtraHost } from '../extra-host.ts'
import type { FlagValues } from '../flags.ts'
import { chooseColors } from '../render/colors.ts'
import { renderBuildError } from '../render/error.ts'
import {
  chooseProgressMode,
  createProgressRenderer,
  openProgress,
  PROGRESS_MODES,
  renderWarnings,
} from '../render/progress/index.ts'
import { jobOf, withEngine } from '../session.ts'

const FLAGS = {
  'add-host': { kind: 'list', placeholder: 'strings', about: 'Add a custom host-to-IP mapping (format: "host:ip")' },
  'build-arg': { kind: 'list', placeholder: 'stringArray', about: 'Set build-time variables' },
  file: { kind: 'string', short: 'f', completes: 'file', about: 'Name of the Dockerfile (default: "PATH/Dockerfile")' },
  'host-ca': {
    kind: 'bool',
    about: "RUN steps trust this machine's certificate authorities (they do not get into the image)",
  },
  iidfile: { kind: 'string', completes: 'file', about: 'Write the image ID to a file' },
  label: { kind: 'list', placeholder: 'stringArray', about: 'Set metadata for an image' },
  network: {
    kind: 'string',
    default: 'default',
    about: 'Set the networking mode for the "RUN" instructions during build',
  },
  'no-cache': { kind: 'bool', about: 'Do not use cache when building the image' },
  platform: { kind: 'string', about: 'Set target platform for build' },
  progress: {
    kind: 'string',
    default: 'auto',
    about: `Set type of progress output (${PROGRESS_MODES.map((mode) => `"${mode}"`).join(', ')})`,
  },
  pull: { kind: 'bool', about: 'Always attempt to pull all referenced images' },
  quiet: { kind: 'bool', short: 'q', about: 'Suppress the build output and print image ID on success' },
  'shm-size': { kind: 'size', about: 'Shared memory size for build containers' },
  tag: {
    kind: 'list',
    short: 't',
    placeholder: 'stringArray',
    about: 'Image identifier (format: "[registry/]repository[:tag]")',
  },
  target: { kind: 'string', about: 'Set the target build stage to build' },
  // for an error that says what it is that is missing
  secret: { kind: 'list', placeholder: 'stringArray', hidden: true, about: 'Secret to expose to the build' },
  ssh: {
    kind: 'list',
    placeholder: 'stringArray',
    hidden: true,
    about: 'SSH agent socket or keys to expose to the build',
  },
  // accepted for the sake of scripts: there is one builder, and intermediate containers never stay
  builder: { kind: 'string', hidden: true, about: 'Override the configured builder instance' },
  'force-rm': { kind: 'bool', hidden: true, about: 'Always remove intermediate containers' },
  load: { kind: 'bool', hidden: true, about: 'Shorthand for "--output=type=docker"' },
  rm: { kind: 'bool', default: true, hidden: true, about: 'Remove intermediate containers after a successful build' },
} as const

type BuildFlags = FlagValues<typeof FLAGS>

/** `name=value` texts; `alone` gives the value of a name that stands alone, or says that it does not count. */
function pairsOf(texts: readonly string[], alone: (name: string) => string | undefined): Record<string, string> {
  const pairs = texts.flatMap((text): [string, string][] => {
    const cut = text.indexOf('=')
    if (cut === 0 || text === '') throw fail('USAGE_INVALID', `invalid key-value pair ${quoteGo(text)}: empty key`)
    const [name, value] = cut < 0 ? [text, alone(text)] : [text.slice(0, cut), text.slice(cut + 1)]
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(pairs)
}

const LARGEST_DOCKERFILE = 16 << 20

async function requestOf({ flags, args, env, io }: CommandContext & { flags: BuildFlags }): Promise<BuildRequest> {
  for (const name of ['secret', 'ssh'] as const) {
    if (flags[name].length > 0) throw fail('BUILD_UNSUPPORTED', `--${name} is not supported yet`)
  }
  const epoch = env['SOURCE_DATE_EPOCH']
  const buildArgs = pairsOf(flags['build-arg'], (name) => env[name])
  return {
    context: args[0]!,
    tags: flags.tag,
    buildArgs: epoch && !('SOURCE_DATE_EPOCH' in buildArgs) ? { ...buildArgs, SOURCE_DATE_EPOCH: epoch } : buildArgs,
    labels: pairsOf(flags.label, () => ''),
    noCache: flags['no-cache'],
    network: networkOf(flags.network),
    extraHosts: flags['add-host'].map(extraHostOf),
    hostCa: flags['host-ca'],
    ...(flags.file === undefined ? {} : { dockerfile: flags.file === '-' ? await readFrom(io) : flags.file }),
    ...(flags.target === undefined ? {} : { target: flags.target }),
    ...(flags.platform === undefined ? {} : { platform: platformOf(flags.platform) }),
    ...(flags['shm-size'] === undefined ? {} : { shmSize: flags['shm-size'] }),
  }
}

/** A Dockerfile that is written to standard input. */
async function readFrom(io: CommandContext['io']): Promise<SourceFile> {
  const tooLarge = (): Error => fail('FILE_TOO_LARGE', `the Dockerfile is larger than ${LARGEST_DOCKERFILE} bytes`)
  const bytes = await collectBytes(io.stdin() as AsyncIterable<Uint8Array>, LARGEST_DOCKERFILE, tooLarge)
  return { name: 'Dockerfile', text: bytes.toString() }
}

function extraHostOf(text: string): string {
  try {
    return parseExtraHost(text)
  } catch (error) {
    throw fail('USAGE_INVALID', `invalid host ${text}`, { cause: error, hint: messageOf(error) })
  }
}

function platformOf(text: string): Platform {
  if (!text.includes(',')) return parsePlatform(text)
  throw fail('BUILD_UNSUPPORTED', 'building for several platforms at once is not supported yet', {
    hint: 'build for one platform after the other, under a tag for each',
  })
}

function networkOf(text: string): 'default' | 'none' | 'host' {
  if (text === '') return 'default'
  if (text === 'default' || text === 'none' || text === 'host') return text
  throw fail('USAGE_INVALID', `network mode "${text}" not supported by Slipway: use default, none or host`)
}

/** What Docker's builder finds before it begins to solve has one phrase less. */
function phrased(error: unknown): unknown {
  if (!(error instanceof SlipwayError) || error.fault === 'canceled') return error
  const before: string[] = ['CONTEXT_MISSING', 'USAGE_INVALID', 'HOST_CA_MISSING', 'EPOCH_INVALID', 'PLATFORM_INVALID']
  const ofFlags: string[] = ['REFERENCE_INVALID', 'BUILD_UNSUPPORTED']
  if (before.includes(error.code) || (ofFlags.includes(error.code) && !error.span)) return error
  const { code, message, hint, span, data, cause } = error
  return new SlipwayError(code, `failed to solve: ${message}`, {
    data,
    cause,
    ...(hint === undefined ? {} : { hint }),
    ...(span ? { span } : {}),
  })
}

const PULL_IGNORED: ProgressEvent = {
  type: 'warning',
  code: 'PULL_IGNORED',
  message: '--pull has no effect: images come from the store alone, registries are not supported yet',
}

/** A script that reads the id of a build that failed must find none. */
function removeStale(iidfile: string | undefined): void {
  if (iidfile) rmSync(iidfile, { force: true })
}

function writeId(iidfile: string, id: string): void {
  try {
    writeFileSync(iidfile, id)
  } catch (error) {
    const problem = messageOf(error).replace(/^\w+: (.*), open .*$/, '$1')
    throw fail('USAGE_INVALID', `writing image ID file: open ${iidfile}: ${problem}`, { cause: error })
  }
}

/** `slipway build`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] PATH',
  operands: { min: 1, max: 1, completes: 'directory' },
  flags: FLAGS,
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io, env } = context
      const mode = flags.quiet ? 'quiet' : chooseProgressMode(flags.progress, io.stderr.terminal(), env)
      const heading = 'building with Slipway, no daemon'
      const renderer = createProgressRenderer(mode, () => io.stderr.terminal(), { env, heading })
      const progress = openProgress(renderer, (text) => io.stderr.writeNow(text))
      const warnings: Extract<ProgressEvent, { type: 'warning' }>[] = []
      const listen = (event: ProgressEvent): void => {
        if (event.type === 'warning') warnings.push(event)
        progress.progress(event)
      }
      try {
        removeStale(flags.iidfile)
        if (flags.pull) listen(PULL_IGNORED)
        const report = await engine.build(await requestOf(context as never), jobOf(context, listen))
        progress.close()
        if (!flags.quiet) await io.stderr.write(renderWarnings(warnings, { debug: context.globals.debug }))
        if (flags.quiet) await io.stdout.write(`${report.id}\n`)
        if (flags.iidfile) writeId(flags.iidfile, report.id)
        return 0
      } catch (error) {
        progress.close()
        const { columns, colors } = io.stderr.terminal()
        await io.stderr.write(
          renderBuildError(phrased(error), {
            columns,
            colors: chooseColors(colors, env),
            debug: context.globals.debug,
          }),
        )
        return error instanceof SlipwayError && error.fault === 'canceled' ? 130 : 1
      }
    }),
})
