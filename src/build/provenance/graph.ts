import type { Digest } from '../../core/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { Vertex } from '../graph.ts'
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
  const vertices = inOrder(result)
  const ids = new Map(vertices.map(({ id }, at) => [id, `step${at}`]))
  const steps = vertices.map((vertex, at): StepJson => {
    const inputs = vertex.inputs.map((input) => `${ids.get(input.id)}:0`)
    const op = operationJson(vertex.op, platformOf(vertex) ?? platform)
    return { id: `step${at}`, op, ...(inputs.length > 0 ? { inputs } : {}) }
  })
  const last = { id: `step${vertices.length}`, op: { Op: {} }, inputs: [`${ids.get(result.id)}:0`] }
  return { steps: [...steps, last], ids, vertices }
}

/** Every vertex once, inputs first. A graph may be as deep as a Dockerfile is long, so nothing recurses. */
function inOrder(result: Vertex): Vertex[] {
  const done = new Map<Digest, Vertex>()
  const pending: { vertex: Vertex; next: number }[] = [{ vertex: result, next: 0 }]
  for (let top = pending.at(-1); top; top = pending.at(-1)) {
    const input = top.vertex.inputs[top.next++]
    if (input) {
      if (!done.has(input.id)) pending.push({ vertex: input, next: 0 })
    } else {
      done.set(top.vertex.id, top.vertex)
      pending.pop()
    }
  }
  return [...done.values()]
}

/** The platform of the image that a file system began with. */
function platformOf(vertex: Vertex): Platform | undefined {
  let at: Vertex | undefined = vertex
  while (at && at.op.kind !== 'image') at = at.inputs[0]
  return at?.op.kind === 'image' ? at.op.platform : undefined
}

/** Which lines of the Dockerfile each step comes from. */
export function sourceLocations({ vertices }: Definition): Record<string, unknown> {
  const entries = vertices.map(({ span }, at) => {
    const ranges = span && [{ start: { line: span.line }, end: { line: span.endLine } }]
    return [`step${at}`, ranges ? { locations: [{ ranges }] } : {}] as const
  })
  return Object.fromEntries(entries)
}
