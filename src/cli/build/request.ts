import { collectBytes, fail, messageOf, quoteGo, type SourceFile } from '../../core/index.ts'
import type { BuildRequest } from '../../engine/index.ts'
import { hostPlatform, type Platform, parsePlatform } from '../../oci/index.ts'
import type { CommandContext } from '../command.ts'
import { parseExtraHost } from '../extra-host.ts'
import { parseAnnotations } from './annotations.ts'
import type { BuildFlags } from './flags.ts'
import { outputsOf } from './outputs.ts'

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

/** What the flags ask the engine for. */
export async function requestOf({
  flags,
  args,
  env,
  io,
}: CommandContext & { flags: BuildFlags }): Promise<BuildRequest> {
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
    outputs: outputsOf(flags.output, { ...flags, annotations: parseAnnotations(flags.annotation), allow: [] }, io),
    ...squashOf(flags.squash),
    verifyReproducible: flags['verify-reproducible'],
    platforms: flags.platform.flatMap((text) => text.split(',')).map(platformOf),
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

/** `local` is this machine. */
function platformOf(text: string): Platform {
  return text.toLowerCase() === 'local' ? hostPlatform() : parsePlatform(text)
}

function squashOf(text: string | undefined): Pick<BuildRequest, 'squash'> {
  if (text === undefined || text === 'false') return {}
  return { squash: text === 'all' ? 'all' : 'new' }
}

function networkOf(text: string): 'default' | 'none' | 'host' {
  if (text === '') return 'default'
  if (text === 'default' || text === 'none' || text === 'host') return text
  throw fail('USAGE_INVALID', `network mode "${text}" not supported by Slipway: use default, none or host`)
}
