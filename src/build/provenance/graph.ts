import type { Digest } from '../../core/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { Vertex } from '../graph.ts'
import { verticesInOrder } from '../vertices.ts'
import { type OperationJson, operationJson } from './operation.ts'

/** A step of the definition: the operation, and the outputs of other steps that it works on. */
export interface StepJson {
  readonly id: string
  readonly op: OperationJson
  /** `step0:0`. */
  readonly inputs?: readonly string[]
}

/** A build graph as a list, inputs before what needs them. */
export interface Definition {
  readonly steps: readonly StepJson[]
  /** The id of each vertex. */
  readonly ids: ReadonlyMap<Digest, string>
  readonly vertices: readonly Vertex[]
}

/** Writes down everything that a vertex needs, and that it is the result: the last step has no operation of its own. */
export function graphDefinition(result: Vertex, platform: Platform): Definition {
  const vertices = verticesInOrder([result])
  const platforms = platformsOf(vertices)
  const ids = new Map(vertices.map(({ id }, at) => [id, `step${at}`]))
  const steps = vertices.map((vertex, at): StepJson => {
    const inputs = vertex.inputs.map((input) => `${ids.get(input.id)}:0`)
    const op = operationJson(vertex.op, platforms.get(vertex.id) ?? platform)
    return { id: `step${at}`, op, ...(inputs.length > 0 ? { inputs } : {}) }
  })
  const last = { id: `step${vertices.length}`, op: { Op: {} }, inputs: [`${ids.get(result.id)}:0`] }
  return { steps: [...steps, last], ids, vertices }
}

/** The platform of the image that each file system began with. */
function platformsOf(vertices: readonly Vertex[]): Map<Digest, Platform> {
  const platforms = new Map<Digest, Platform>()
  for (const { id, op, inputs } of vertices) {
    const platform = op.kind === 'image' ? op.platform : inputs[0] && platforms.get(inputs[0].id)
    if (platform) platforms.set(id, platform)
  }
  return platforms
}

/** Which lines of the Dockerfile each step comes from. */
export function sourceLocations({ vertices }: Definition): Record<string, unknown> {
  const entries = vertices.map(({ span }, at) => {
    const ranges = span && [{ start: { line: span.line }, end: { line: span.endLine } }]
    return [`step${at}`, ranges ? { locations: [{ ranges }] } : {}] as const
  })
  return Object.fromEntries(entries)
}
