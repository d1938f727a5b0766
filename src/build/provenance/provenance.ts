import type { SourceFile } from '../../core/index.ts'
import { type Descriptor, formatPlatform, type Platform } from '../../oci/index.ts'
import type { Vertex } from '../graph.ts'
import { type Definition, graphDefinition, sourceLocations } from './graph.ts'
import { type Material, materialsOf } from './materials.ts'

/** What is known of a build when its provenance is written. */
export interface ProvenanceFacts {
  /** The file system of the result. */
  result: Vertex
  platform: Platform
  buildPlatform: Platform
  /** The Dockerfile as it was read, and as the user named it. */
  dockerfile: SourceFile
  /** What the user gave, by BuildKit's names: `build-arg:NAME`, `label:NAME`, `target`. */
  args: Readonly<Record<string, string>>
  /** What a download or a repository was, by algorithm; missing when that is not known. */
  digestOf(vertex: Vertex): Material['digest'] | undefined
  /** For each vertex that made a file system of the result, the layers of the image up to and with its own. */
  layers: readonly { vertex: Vertex; descriptors: readonly Descriptor[] }[]
  /** Random, for each build another. */
  invocationId: string
  /** Unix milliseconds. */
  startedAt: number
  finishedAt: number
}

/** How much is told, and in which form. */
export interface ProvenanceOptions {
  /** `min` leaves out build arguments, labels, the steps and the Dockerfile. */
  mode: 'min' | 'max'
  version: 'v1' | 'v0.2'
  /** Who built it, as a URI. */
  builderId: string
  /** The user's word that the same build gives the same result. */
  reproducible: boolean
}

/** The predicate types of SLSA provenance. */
export const PROVENANCE_TYPES: Readonly<Record<ProvenanceOptions['version'], string>> = {
  v1: 'https://slsa.dev/provenance/v1',
  'v0.2': 'https://slsa.dev/provenance/v0.2',
}

/** How an image was made, as a predicate of SLSA provenance in the shape that BuildKit gives it. */
export function provenancePredicate(facts: ProvenanceFacts, options: ProvenanceOptions): Record<string, unknown> {
  const definition = graphDefinition(facts.result, facts.platform)
  const taken = materialsOf(definition.vertices, facts.digestOf)
  const parts = { facts, options, definition, ...taken }
  return options.version === 'v1' ? slsa1(parts) : slsa02(parts)
}

interface Parts {
  facts: ProvenanceFacts
  options: ProvenanceOptions
  definition: Definition
  materials: Material[]
  /** Whether nothing was taken that is not among the materials. */
  complete: boolean
}

/** slsa.dev/spec/v1.0/provenance; `buildType` says that the rest is as BuildKit defines it. */
function slsa1({ facts, options, definition, materials, complete }: Parts): Record<string, unknown> {
  const max = options.mode === 'max'
  return {
    buildDefinition: {
      buildType: 'https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md',
      externalParameters: {
        configSource: { path: facts.dockerfile.name },
        request: requestOf(facts, options, definition),
      },
      internalParameters: {
        ...(max ? { buildConfig: configOf(definition) } : {}),
        builderPlatform: formatPlatform(facts.buildPlatform),
      },
      resolvedDependencies: materials,
    },
    runDetails: {
      builder: { id: options.builderId },
      metadata: {
        invocationId: facts.invocationId,
        startedOn: new Date(facts.startedAt).toISOString(),
        finishedOn: new Date(facts.finishedAt).toISOString(),
        buildkit_metadata: max ? metadataOf(facts, definition) : {},
        ...(options.reproducible ? { buildkit_reproducible: true } : {}),
        buildkit_completeness: { request: max, resolvedDependencies: complete },
      },
    },
  }
}

/** slsa.dev/spec/v0.2/provenance. */
function slsa02({ facts, options, definition, materials, complete }: Parts): Record<string, unknown> {
  const max = options.mode === 'max'
  const vendor = 'https://mobyproject.org/buildkit@v1#metadata'
  return {
    builder: { id: options.builderId },
    buildType: 'https://mobyproject.org/buildkit@v1',
    materials,
    invocation: {
      configSource: { entryPoint: facts.dockerfile.name },
      parameters: requestOf(facts, options, definition),
      environment: { platform: formatPlatform(facts.buildPlatform) },
    },
    ...(max ? { buildConfig: configOf(definition) } : {}),
    metadata: {
      buildInvocationID: facts.invocationId,
      buildStartedOn: new Date(facts.startedAt).toISOString(),
      buildFinishedOn: new Date(facts.finishedAt).toISOString(),
      completeness: { parameters: max, environment: true, materials: complete },
      reproducible: options.reproducible,
      ...(max ? { [vendor]: metadataOf(facts, definition) } : {}),
    },
  }
}

function requestOf(
  { args }: ProvenanceFacts,
  { mode }: ProvenanceOptions,
  { vertices }: Definition,
): Record<string, unknown> {
  const shown = Object.entries(args).filter(([name]) => mode === 'max' || !/^(build-arg|label):/.test(name))
  const names = new Set(vertices.flatMap(({ op }) => (op.kind === 'context' ? [op.name] : [])))
  return {
    frontend: 'dockerfile.v0',
    ...(shown.length > 0 ? { args: Object.fromEntries(shown.sort(([a], [b]) => (a < b ? -1 : 1))) } : {}),
    ...(mode === 'max' ? givenTo(vertices) : {}),
    locals: [...names]
      .sort()
      .concat('dockerfile')
      .map((name) => ({ name })),
  }
}

/** The secrets and agents that steps asked for, by name. */
function givenTo(vertices: readonly Vertex[]): Record<string, unknown> {
  const mounts = vertices.flatMap(({ op }) => (op.kind === 'run' ? op.mounts : []))
  const named = (type: 'secret' | 'ssh'): Record<string, unknown> => {
    const found = mounts.flatMap((mount) => (mount.type === type ? [[mount.id, mount.required] as const] : []))
    const given = [...new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)))]
    if (given.length === 0) return {}
    const list = given.map(([id, required]) => ({ id, ...(required ? {} : { optional: true }) }))
    return { [type === 'ssh' ? 'ssh' : 'secrets']: list }
  }
  return { ...named('secret'), ...named('ssh') }
}

function configOf({ steps, ids }: Definition): Record<string, unknown> {
  return { llbDefinition: steps, digestMapping: Object.fromEntries([...ids].sort(([a], [b]) => (a < b ? -1 : 1))) }
}

function metadataOf({ dockerfile, layers }: ProvenanceFacts, definition: Definition): Record<string, unknown> {
  const data = Buffer.from(dockerfile.text).toString('base64')
  const made = layers.flatMap(({ vertex, descriptors }) => {
    const id = definition.ids.get(vertex.id)
    const plain = descriptors.map(({ mediaType, digest, size }) => ({ mediaType, digest, size }))
    return id === undefined ? [] : [[`${id}:0`, [plain]] as const]
  })
  return {
    source: {
      locations: sourceLocations(definition),
      infos: [{ filename: dockerfile.name, language: 'Dockerfile', data }],
    },
    layers: Object.fromEntries(made),
  }
}
