import { fail } from '../../core/index.ts'
import type { ImageManifests, PlatformManifests } from '../../engine/index.ts'
import { formatPlatform } from '../../oci/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { OBJECT_FORMAT } from '../format-flag.ts'
import { alignColumns } from '../render/columns.ts'
import { escapeMessage } from '../render/escape.ts'
import { jobOf, withEngine } from '../session.ts'
import type { ImagetoolsData } from '../template/index.ts'

/** As `docker buildx imagetools inspect` prints it. */
function describe({ name, descriptor, manifests }: ImageManifests): string {
  const head = [`Name:\t${name}`, `MediaType:\t${descriptor.mediaType}`, `Digest:\t${descriptor.digest}`]
  if (manifests.length === 0) return `${align(head)}\n`
  const entries = manifests.map((entry) => {
    const annotations = Object.entries(entry.annotations ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
    const lines = [
      `Name:\t${name.replace(/@.*$/, '')}@${entry.digest}`,
      `MediaType:\t${entry.mediaType}`,
      ...(entry.platform ? [`Platform:\t${formatPlatform(entry.platform)}`] : []),
      ...(annotations.length > 0 ? ['Annotations:\t'] : []),
    ]
    const notes = annotations.map(([key, value]) => `  ${escapeMessage(key)}:\t${escapeMessage(value)}`)
    return [align(lines), ...(notes.length > 0 ? [align(notes)] : [])].join('\n').replace(/^/gm, '  ')
  })
  return `${align(head)}\n\nManifests:\n${entries.join('\n\n')}\n`
}

const align = (lines: readonly string[]): string => alignColumns(lines.join('\n'), { minimum: 0, padding: 1 })

/** What a template sees; of several platforms the last three are by platform. */
function objectOf(found: ImageManifests): ImagetoolsData {
  const { name, descriptor, manifests, platforms } = found
  const byPlatform = (part: (each: PlatformManifests) => unknown): unknown =>
    platforms.length === 1
      ? (part(platforms[0]!) ?? {})
      : Object.fromEntries(platforms.map((each) => [each.platform, part(each) ?? {}]))
  return {
    name,
    manifest: { ...(manifests.length > 0 ? { schemaVersion: 2 } : {}), ...descriptor, ...entriesOf(manifests) },
    image: byPlatform(({ config }) => arranged(config)),
    sbom: byPlatform(sbomOf),
    provenance: byPlatform(provenanceOf),
  }
}

const entriesOf = (manifests: ImageManifests['manifests']): object => (manifests.length > 0 ? { manifests } : {})

/** The order of Go's struct. */
const CONFIG_KEYS = ['created', 'author', 'architecture', 'variant', 'os', 'config', 'rootfs', 'history']

function arranged(config: object | undefined): object | undefined {
  if (!config) return undefined
  const known = CONFIG_KEYS.flatMap((key) => (Object.hasOwn(config, key) ? [[key, Reflect.get(config, key)]] : []))
  return { ...Object.fromEntries(known), ...config }
}

function sbomOf({ attestations }: PlatformManifests): unknown {
  const found = attestations.filter(({ predicateType }) => predicateType === 'https://spdx.dev/Document')
  const [first, ...others] = found.map(({ predicate }) => predicate)
  if (first === undefined) return undefined
  return { SPDX: first, ...(others.length > 0 ? { AdditionalSPDXs: others } : {}) }
}

function provenanceOf({ attestations }: PlatformManifests): unknown {
  const found = attestations.find(({ predicateType }) => predicateType.startsWith('https://slsa.dev/provenance/'))
  return found && { SLSA: found.predicate }
}

/** `slipway imagetools inspect`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME',
  description: 'Show the manifests of an image, in the store or in a registry, and what is attached to them',
  operands: { min: 1, max: 1, completes: 'image' },
  flags: {
    builder: { kind: 'string', hidden: true, about: 'Accepted for scripts: there are no builder instances' },
    format: OBJECT_FORMAT,
    insecure: { kind: 'bool', about: 'Allow communication with an insecure registry' },
    raw: { kind: 'bool', about: 'Show original, unformatted JSON manifest' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      if (flags.raw && flags.format !== '') throw fail('USAGE_INVALID', 'format and raw cannot be used together')
      const { insecure, format } = flags
      const request = { name: args[0]!, insecure, details: format !== '' }
      const found = await engine.indexes.inspect(request, jobOf(context))
      if (flags.raw) await io.stdout.write(found.raw)
      else if (format === '') await io.stdout.write(describe(found))
      else {
        const { renderImagetools } = await import('../template/index.ts')
        await io.stdout.write(`${renderImagetools(format, objectOf(found))}\n`)
      }
      return 0
    }),
})
