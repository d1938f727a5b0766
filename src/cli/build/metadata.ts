import { parseGoBool } from '../../core/index.ts'
import type { BuildReport, BuildRequest } from '../../engine/index.ts'
import { formatPlatform } from '../../oci/index.ts'

/** Variables of the environment, of which buildx has two for the metadata file. */
type Environment = Readonly<Record<string, string | undefined>>

/**
 * How much of the provenance the metadata file gets: what BUILDX_METADATA_PROVENANCE says, `min` when it says nothing
 * that buildx knows.
 */
export function metadataProvenance(env: Environment): BuildRequest['reportProvenance'] {
  const mode = env['BUILDX_METADATA_PROVENANCE']
  return mode === 'disabled' || mode === 'false' ? undefined : mode === 'max' ? 'max' : 'min'
}

/** What `--metadata-file` gets: the keys of buildx, those that there is something to say for, sorted. */
export function metadataOf(report: BuildReport, env: Environment): string {
  const { image, names, digest, record } = report
  const metadata: Record<string, unknown> = {
    'buildx.build.ref': `default/default/${record.id}`,
    ...provenanceOf(report),
    ...(wantsWarnings(env) && report.warnings.length > 0 ? { 'buildx.build.warnings': warningsOf(report) } : {}),
  }
  if (image) {
    const { configDigest, mediaType, size, annotations, platform } = image
    if (configDigest) metadata['containerimage.config.digest'] = configDigest
    metadata['containerimage.descriptor'] = {
      ...{ mediaType, digest, size },
      ...(annotations ? { annotations: sorted(annotations) } : {}),
      ...(platform ? { platform: sorted(platform) } : {}),
    }
    metadata['containerimage.digest'] = digest
    if (names.length > 0) metadata['image.name'] = names.join(',')
  }
  return JSON.stringify(sorted(metadata), null, 2)
}

/** Of several platforms each has a key of its own. */
function provenanceOf({ provenance = [] }: BuildReport): Record<string, unknown> {
  const key = 'buildx.build.provenance'
  const keyOf = ({ platform }: (typeof provenance)[number]): string =>
    provenance.length === 1 ? key : `${key}/${formatPlatform(platform)}`
  return Object.fromEntries(provenance.map((made) => [keyOf(made), made.predicate]))
}

function wantsWarnings(env: Environment): boolean {
  return parseGoBool(env['BUILDX_METADATA_WARNINGS'] ?? '') === true
}

/** BuildKit's JSON of a warning, in which texts are bytes. */
function warningsOf({ warnings }: BuildReport): object[] {
  return warnings.map(({ rule, message, description, url, span }) => ({
    level: 1,
    short: base64(`${rule}: ${message} (line ${span.line})`),
    detail: [base64(description)],
    ...(url === undefined ? {} : { url }),
    sourceInfo: { filename: span.source.name, data: base64(span.source.text), language: 'Dockerfile' },
    range: [{ start: { line: span.line }, end: { line: span.endLine } }],
  }))
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

function sorted(value: object): object {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
