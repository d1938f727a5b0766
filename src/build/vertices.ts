import type { Digest } from '../core/index.ts'
import type { Vertex } from './graph.ts'

/** Everything that results need, each vertex once, inputs first. A graph may be deep, so nothing recurses. */
export function verticesInOrder(results: readonly Vertex[]): Vertex[] {
  const done = new Map<Digest, Vertex>()
  const pending = [...results].reverse().map((vertex) => ({ vertex, next: 0 }))
  for (let top = pending.at(-1); top; top = pending.at(-1)) {
    const input = done.has(top.vertex.id) ? undefined : top.vertex.inputs[top.next++]
    if (input) {
      if (!done.has(input.id)) pending.push({ vertex: input, next: 0 })
    } else {
      done.set(top.vertex.id, top.vertex)
      pending.pop()
    }
  }
  return [...done.values()]
}
