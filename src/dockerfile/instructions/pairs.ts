import type { DockerfileNode, KeyValue } from '../node.ts'
import { refuseFlags } from './flags.ts'
import { malformed } from './malformed.ts'

/** The arguments of ENV and LABEL. Keys and values may hold variables, quotes and escapes. */
export function parsePairs(node: DockerfileNode, keyword: string): readonly KeyValue[] {
  refuseFlags(node)
  const pairs = node.pairs ?? []
  if (pairs.length === 0) throw malformed(node, `${keyword} requires at least one argument`)
  for (const { key } of pairs) if (key.text === '') throw malformed(key, `${keyword} names can not be blank`)
  return pairs
}
