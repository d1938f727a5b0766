import type { Digest } from '../../core/index.ts'
import type { EvictionReason } from '../../store/index.ts'
import type { Vertex } from '../graph.ts'
import type { KeyPart } from '../key-part.ts'

/** What became of one step, and by which key: what an explanation is made from. Secrets are taken out. */
export interface StepTrace {
  vertex: Vertex
  /** What progress calls it. */
  label: string
  /** `failed` also for a step that was canceled or never came to its end. */
  result: 'hit' | 'miss' | 'failed'
  /** Missing for a base image, which has no key. */
  operation?: KeyPart
  opKey?: Digest
  /** What the inputs held, once that was asked. */
  content?: KeyPart
  key?: Digest
  /** The layers that it added. */
  diffIds?: readonly Digest[]
  /** The cache had this very step once. */
  evicted?: { reason: EvictionReason; at: number } | undefined
}
