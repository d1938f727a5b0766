import { fail, messageOf } from '../../core/index.ts'
import type { BuildRequest } from '../../engine/index.ts'
import type { CommandContext } from '../command.ts'
import { parseExtraHost } from '../extra-host.ts'
import { parseAnnotations } from './annotations.ts'
import { attestationsOf } from './attest-flags.ts'
import { parseCacheEntry } from './cache-entry.ts'
import { definitionOf, pairsOf } from './definition.ts'
import type { BuildFlags } from './flags.ts'
import { checkEntitlement, parseUlimit, resourcesOf } from './limits.ts'
import { metadataProvenance } from './metadata.ts'
import { outputsOf } from './outputs.ts'
import { parseAgents, parseSecrets } from './secrets.ts'

/** What the flags ask the engine for. */
export async function requestOf(context: CommandContext & { flags: BuildFlags }): Promise<BuildRequest> {
  const { flags, env } = context
  return {
    ...(await definitionOf(context)),
    invocation: { words: context.words, folder: process.cwd() },
    tags: flags.tag,
    labels: pairsOf(flags.label, () => ''),
    pull: flags.pull ? 'always' : 'missing',
    noCache: flags['no-cache'],
    noCacheFilter: flags['no-cache-filter'].flatMap((names) => names.split(',')).filter((name) => name !== ''),
    cacheFrom: flags['cache-from'].map(parseCacheEntry),
    cacheTo: flags['cache-to'].map(parseCacheEntry),
    ...parallelismOf(flags.parallel, env['SLIPWAY_PARALLELISM']),
    network: networkOf(flags.network),
    extraHosts: flags['add-host'].map(extraHostOf),
    hostCa: flags['host-ca'],
    attestations: attestationsOf(flags),
    locked: flags.locked || flags['update-lock'] !== undefined,
    secrets: parseSecrets(flags.secret, env),
    ssh: parseAgents(flags.ssh, env),
    allow: flags.allow.map(checkEntitlement),
    ulimits: flags.ulimit.map(parseUlimit),
    resources: resourcesOf(flags),
    ...(flags['cgroup-parent'] ? { cgroupParent: flags['cgroup-parent'] } : {}),
    outputs: outputsOf(flags.output, { ...flags, annotations: parseAnnotations(flags.annotation) }, context.io),
    ...squashOf(flags.squash),
    verifyReproducible: flags['verify-reproducible'],
    ...reportProvenanceOf(flags, env),
    ...(flags['shm-size'] === undefined ? {} : { shmSize: flags['shm-size'] }),
  }
}

function extraHostOf(text: string): string {
  try {
    return parseExtraHost(text)
  } catch (error) {
    throw fail('USAGE_INVALID', `invalid host ${text}`, { cause: error, hint: messageOf(error) })
  }
}

function networkOf(text: string): 'default' | 'none' | 'host' {
  if (text === '') return 'default'
  if (text === 'default' || text === 'none' || text === 'host') return text
  throw fail('USAGE_INVALID', `network mode "${text}" not supported by Slipway: use default, none or host`)
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

function reportProvenanceOf(flags: BuildFlags, env: Parameters<typeof metadataProvenance>[0]): Partial<BuildRequest> {
  const mode = flags['metadata-file'] ? metadataProvenance(env) : undefined
  return mode ? { reportProvenance: mode } : {}
}

function squashOf(text: string | undefined): Pick<BuildRequest, 'squash'> {
  if (text === undefined || text === 'false') return {}
  return { squash: text === 'all' ? 'all' : 'new' }
}
