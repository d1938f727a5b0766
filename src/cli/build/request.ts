import { collectBytes, fail, messageOf, quoteGo, type SourceFile } from '../../core/index.ts'
import type { BuildRequest } from '../../engine/index.ts'
import { hostPlatform, type Platform, parsePlatform } from '../../oci/index.ts'
import type { CommandContext } from '../command.ts'
import { parseExtraHost } from '../extra-host.ts'
import { parseAnnotations } from './annotations.ts'
import { attestationsOf } from './attest-flags.ts'
import type { BuildFlags } from './flags.ts'
import { imageFromModule } from './image-module.ts'
import { checkEntitlement, parseUlimit, resourcesOf } from './limits.ts'
import { outputsOf } from './outputs.ts'
import { proxyArguments } from './proxies.ts'
import { parseAgents, parseSecrets } from './secrets.ts'

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
  const epoch = env['SOURCE_DATE_EPOCH']
  const buildArgs = { ...proxyArguments(env), ...pairsOf(flags['build-arg'], (name) => env[name]) }
  return {
    context: contextOf(args[0]!, flags.file, io),
    tags: flags.tag,
    buildArgs: epoch && !('SOURCE_DATE_EPOCH' in buildArgs) ? { ...buildArgs, SOURCE_DATE_EPOCH: epoch } : buildArgs,
    labels: pairsOf(flags.label, () => ''),
    noCache: flags['no-cache'],
    noCacheFilter: flags['no-cache-filter'].flatMap((names) => names.split(',')).filter((name) => name !== ''),
    ...parallelismOf(flags.parallel, env['SLIPWAY_PARALLELISM']),
    network: networkOf(flags.network),
    extraHosts: flags['add-host'].map(extraHostOf),
    hostCa: flags['host-ca'],
    attestations: attestationsOf(flags),
    secrets: parseSecrets(flags.secret, env),
    ssh: parseAgents(flags.ssh, env),
    allow: flags.allow.map(checkEntitlement),
    ulimits: flags.ulimit.map(parseUlimit),
    resources: resourcesOf(flags),
    ...(flags['cgroup-parent'] ? { cgroupParent: flags['cgroup-parent'] } : {}),
    ...(flags.file === undefined ? {} : { dockerfile: flags.file === '-' ? await readFrom(io) : flags.file }),
    ...(flags['build-context'].length === 0 ? {} : { contexts: contextsOf(flags['build-context']) }),
    ...(await imageFromModule(args[0]!, flags.file, buildArgs)),
    ...(flags.target === undefined ? {} : { target: flags.target }),
    outputs: outputsOf(flags.output, { ...flags, annotations: parseAnnotations(flags.annotation) }, io),
    ...squashOf(flags.squash),
    platforms: flags.platform.flatMap((text) => text.split(',')).map(platformOf),
    ...(flags['shm-size'] === undefined ? {} : { shmSize: flags['shm-size'] }),
  }
}

/** `-` is standard input: an archive, or a Dockerfile. Fails in Docker's words when the Dockerfile comes from there too. */
function contextOf(text: string, file: string | undefined, io: CommandContext['io']): BuildRequest['context'] {
  if (text !== '-') return text
  if (file === '-') {
    throw fail('USAGE_INVALID', "invalid argument: can't use stdin for both build context and dockerfile")
  }
  return io.stdin() as AsyncIterable<Uint8Array>
}

function contextsOf(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text): [string, string] => {
    const cut = text.indexOf('=')
    if (cut < 0) throw fail('USAGE_INVALID', `invalid context value: ${text}, expected key=value`)
    return [text.slice(0, cut), text.slice(cut + 1)]
  })
  return Object.fromEntries(pairs)
}

function parallelismOf(flag: number | undefined, variable: string | undefined): { parallelism?: number } {
  if (flag !== undefined) return { parallelism: flag }
  if (!variable) return {}
  const number = Number(variable)
  if (Number.isSafeInteger(number) && number > 0) return { parallelism: number }
  throw fail('USAGE_INVALID', `invalid SLIPWAY_PARALLELISM: ${variable}`, {
    hint: 'it is a number of steps, 1 or more',
  })
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
