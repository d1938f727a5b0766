import type { Digest } from '../../../core/index.ts'
import type { Descriptor } from '../../../oci/index.ts'
import type { ProxyContext } from './context.ts'

const BLOB = 'application/octet-stream'

/** What a manifest or index that is here says about something that it names, so that the upstream need not be asked. */
export function namedHere(
  { database }: ProxyContext,
  { name }: { name: string },
  digest: Digest,
  kind: 'manifest' | 'blob',
): Descriptor | undefined {
  const row = database.get<{ mediaType: string; size: number }>(
    `SELECT f.media_type AS mediaType, f.size FROM repositories r CROSS JOIN manifest_refs f
     WHERE r.name = ? AND f.repo = r.id AND f.child = ? AND (f.kind = 'manifest') = ? LIMIT 1`,
    ...[name, digest, kind === 'manifest' ? 1 : 0],
  )
  // a blob is asked for as one, whatever it is said to be
  return row && { mediaType: kind === 'blob' ? BLOB : row.mediaType, digest, size: row.size }
}
