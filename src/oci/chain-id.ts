import { type Digest, digestOf } from '../core/index.ts'

/**
 * Names the result of applying layers on top of each other, from the bottom up (image spec, "Layer ChainID").
 * `undefined` for no layers.
 */
export function chainId(diffIds: readonly Digest[]): Digest | undefined {
  return chainIds(diffIds).at(-1)
}

/** The chain id after each layer, from the bottom up. */
export function chainIds(diffIds: readonly Digest[]): Digest[] {
  const chain: Digest[] = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`))
  }
  return chain
}
