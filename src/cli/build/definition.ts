import { collectBytes, fail, quoteGo, type SourceFile } from '../../core/index.ts'
import type { BuildRequest } from '../../engine/index.ts'
import { hostPlatform, type Platform, parsePlatform } from '../../oci/index.ts'
import type { CommandContext } from '../command.ts'
import type { FlagValues } from '../flags.ts'
import { imageFromModule } from './image-module.ts'
import { proxyArguments } from './proxies.ts'

/** The flags that say what is built: those that `build` and `lock` have in common. */
export const DEFINITION_FLAGS = {
  'build-arg': { kind: 'list', placeholder: 'stringArray', about: 'Set build-time variables' },
  'build-context': {
    kind: 'list',
    placeholder: 'stringArray',
    about: 'Additional build contexts (e.g., name=path)',
  },
  file: { kind: 'string', short: 'f', completes: 'file', about: 'Name of the Dockerfile (default: "PATH/Dockerfile")' },
  platform: { kind: 'list', placeholder: 'stringArray', about: 'Set target platform for build' },
  target: { kind: 'string', about: 'Set the target build stage to build' },
} as const

/** What is built: where its files and its Dockerfile are, with which arguments, for what. */
export async function definitionOf({
  flags,
  args,
  env,
  io,
}: CommandContext & { flags: FlagValues<typeof DEFINITION_FLAGS> }): Promise<BuildRequest> {
  const epoch = env['SOURCE_DATE_EPOCH']
  const buildArgs = { ...proxyArguments(env), ...pairsOf(flags['build-arg'], (name) => env[name]) }
  return {
    context: contextOf(args[0]!, flags.file, io),
    buildArgs: epoch && !('SOURCE_DATE_EPOCH' in buildArgs) ? { ...buildArgs, SOURCE_DATE_EPOCH: epoch } : buildArgs,
    ...(flags.file === undefined ? {} : { dockerfile: flags.file === '-' ? await readFrom(io) : flags.file }),
    ...(flags['build-context'].length === 0 ? {} : { contexts: contextsOf(flags['build-context']) }),
    ...(await imageFromModule(args[0]!, flags.file, buildArgs)),
    ...(flags.target === undefined ? {} : { target: flags.target }),
    platforms: flags.platform.flatMap((text) => text.split(',')).map(platformOf),
  }
}

/** `name=value` texts; `alone` gives the value of a name that stands alone, or says that it does not count. */
export function pairsOf(texts: readonly string[], alone: (name: string) => string | undefined): Record<string, string> {
  const pairs = texts.flatMap((text): [string, string][] => {
    const cut = text.indexOf('=')
    if (cut === 0 || text === '') throw fail('USAGE_INVALID', `invalid key-value pair ${quoteGo(text)}: empty key`)
    const [name, value] = cut < 0 ? [text, alone(text)] : [text.slice(0, cut), text.slice(cut + 1)]
    return value === undefined ? [] : [[name, value]]
  })
  return Object.fromEntries(pairs)
}

const LARGEST_DOCKERFILE = 16 << 20

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

/** A Dockerfile that is written to standard input. */
async function readFrom(io: CommandContext['io']): Promise<SourceFile> {
  const tooLarge = (): Error => fail('FILE_TOO_LARGE', `the Dockerfile is larger than ${LARGEST_DOCKERFILE} bytes`)
  const bytes = await collectBytes(io.stdin() as AsyncIterable<Uint8Array>, LARGEST_DOCKERFILE, tooLarge)
  return { name: 'Dockerfile', text: bytes.toString() }
}

/** `local` is this machine. */
function platformOf(text: string): Platform {
  return text.toLowerCase() === 'local' ? hostPlatform() : parsePlatform(text)
}
