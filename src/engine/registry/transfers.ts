import { type Digest, fail } from '../../core/index.ts'
import type { Store } from '../../store/index.ts'

/** A blob that was not transferred to its end. */
export interface Transfer {
  kind: 'download' | 'upload'
  digest: Digest
  /** Where an upload goes to: `localhost:5000/team/app`. */
  repository?: string
  /** Bytes that have been transferred, of `size`. */
  bytes: number
  size: number
  changedAt: Date
  /** Whether a process is at it now. */
  isActive: boolean
}

/** What was transferred in part, oldest first. */
export function listTransfers(store: Store): Transfer[] {
  const downloads = store.transfers.list().map((each): Transfer => ({ kind: 'download', ...each }))
  const uploads = store.uploads.list().map(({ digest, repository, offset, size, ...rest }): Transfer => {
    return { kind: 'upload', digest, repository, bytes: offset, size, ...rest }
  })
  return [...downloads, ...uploads].sort((a, b) => a.changedAt.getTime() - b.changedAt.getTime())
}

/** Forgets transfers by digest or the beginning of one; those that were forgotten. Fails with `TRANSFER_NOT_FOUND` and `TRANSFER_ACTIVE`. */
export function removeTransfers(store: Store, name: string): Transfer[] {
  const prefix = name.replace(/^sha(256|384|512):/, '')
  const found = listTransfers(store).filter(({ digest }) => prefix !== '' && digest.slice(7).startsWith(prefix))
  if (found.length === 0) throw fail('TRANSFER_NOT_FOUND', `No such transfer: ${name}`)
  return found.map((transfer) => removeTransfer(store, transfer))
}

/** Forgets all transfers that nobody is at; those that were forgotten. */
export function removeAllTransfers(store: Store): Transfer[] {
  const idle = listTransfers(store).filter(({ isActive }) => !isActive)
  return idle.map((transfer) => removeTransfer(store, transfer))
}

function removeTransfer(store: Store, transfer: Transfer): Transfer {
  const { kind, digest, repository } = transfer
  const isRemoved =
    kind === 'upload' ? store.uploads.remove(repository!, digest) : store.transfers.remove(digest) !== undefined
  if (isRemoved) return transfer
  const hint = `stop the process that ${kind === 'upload' ? 'pushes' : 'pulls'} it first.`
  throw fail('TRANSFER_ACTIVE', `transfer ${digest} is under way`, { hint })
}
