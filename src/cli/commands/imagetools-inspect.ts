import type { ImageManifests, PlatformManifests } from '../../engine/index.ts'
import { formatPlatform } from '../../oci/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { OBJECT_FORMAT } from '../format-flag.ts'
import { alignColumns } from '../render/columns.ts'
import { escapeMessage } from '../render/escape.ts'
import { withEngine } from '../session.ts'

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

/** `.Name`, `.Manifest`, `.Image`, `.SBOM`, `.Provenance`; of several platforms the last three are by platform. */
function objectOf(found: ImageManifests): Record<string, unknown> {
  const { name, descriptor, manifests, platforms } = found
  const byPlatform = (part: (each: PlatformManifests) => unknown): unknown =>
    platforms.length === 1
      ? (part(platforms[0]!) ?? {})
      : Object.fromEntries(platforms.map((each) => [each.platform, part(each) ?? {}]))
  return {
    Name: name,
    Manifest: { ...descriptor, ...(manifests.length > 0 ? { manifests } : {}) },
    Image: byPlatform(({ config }) => config),
    SBOM: byPlatform(sbomOf),
    Provenance: byPlatform(provenanceOf),
  }
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

/** `slipway imagetools inspect`, of an image in the store. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME',
  operands: { min: 1, max: 1, completes: 'image' },
  flags: {
    format: OBJECT_FORMAT,
    raw: { kind: 'bool', about: 'Show original, unformatted JSON manifest' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const found = engine.images.manifests(args[0]!)
      if (flags.raw) await io.stdout.write(found.raw)
      else if (flags.format === '') await io.stdout.write(describe(found))
      else {
        const { renderObject } = await import('../template/index.ts')
        await io.stdout.write(`${renderObject(flags.format, objectOf(found))}\n`)
      }
      return 0
    }),
})
