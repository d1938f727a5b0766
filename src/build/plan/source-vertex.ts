import type { SourceSpan } from '../../core/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { Vertex } from '../graph.ts'
import { createVertex } from './stage-state.ts'

/** The files of a named context. */
export function filesVertex(context: string, name: string): Vertex {
  return createVertex({ kind: 'context', name: context }, [], { label: `[context ${name}] load from client` })
}

/** The layers of an image, bottom first; `label` is empty for what progress does not show. */
export function imageVertex(
  name: string,
  diffIds: readonly Vertex['id'][],
  platform: Platform,
  label: string,
  span: SourceSpan,
): Vertex {
  return createVertex({ kind: 'image', reference: name, platform, diffIds }, [], { label, span })
}
