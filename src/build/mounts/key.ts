import type { Job } from '../../core/index.ts'
import type { KeyPart } from '../key-part.ts'
import type { BuildSession } from '../session.ts'
import type { LocalValue } from '../values.ts'
import type { RunMount } from './mount.ts'
import { sourceDigest } from './source.ts'

/** What a mount says by itself. As in BuildKit the name of a cache does not count, nor who shares it. */
export function keyedMount(mount: RunMount): KeyPart {
  if (mount.type !== 'cache') return { ...mount }
  const { id: _id, namespace: _namespace, sharing: _sharing, ...rest } = mount
  return rest
}

/** Digests of what is mounted from the inputs, in the order of the mounts. */
export async function contentOfMounts(
  session: BuildSession,
  mounts: readonly RunMount[],
  inputs: readonly LocalValue[],
  job: Job,
): Promise<string[]> {
  const digests: string[] = []
  for (const mount of mounts) {
    const isRead = mount.type === 'bind' || mount.type === 'cache'
    if (!isRead || mount.input === null) continue
    digests.push(await sourceDigest(session, inputs[mount.input]!, mount.source, job))
  }
  return digests
}
