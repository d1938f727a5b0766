import { fail, messageOf } from '../core/index.ts'
import { isDiskFull } from '../host/index.ts'

/** SQLite's result codes (sqlite.org/rescode.html). */
const RESULT = { perm: 3, busy: 5, readonly: 8, ioerr: 10, corrupt: 11, full: 13, cantopen: 14, notadb: 26 } as const

/** An error of SQLite that says something about the machine, with a code; any other as it is. */
export function explain(error: unknown, file: string): unknown {
  const { code, errcode } = error as { code?: string; errcode?: number }
  if (code !== 'ERR_SQLITE_ERROR' || errcode === undefined) return error
  const message = `the store's database ${file}: ${messageOf(error)}`
  switch (errcode & 0xff) {
    case RESULT.busy:
      return fail('STORE_BUSY', `${message}: other processes keep it busy`, { cause: error })
    case RESULT.full:
      return diskFull(message, error)
    case RESULT.ioerr:
      return isDiskFull(file) ? diskFull(message, error) : fail('DISK_FAILED', message, { cause: error })
    case RESULT.cantopen:
    case RESULT.perm:
    case RESULT.readonly:
      return isDiskFull(file) ? diskFull(message, error) : fail('STORE_UNUSABLE', message, { cause: error })
    case RESULT.corrupt:
    case RESULT.notadb:
      return fail('STORE_DAMAGED', message, {
        cause: error,
        hint: 'name another folder with --root or SLIPWAY_ROOT; this one can still be read as an OCI layout.',
      })
    default:
      return error
  }
}

/** Whether other processes are in the way. */
export function isBusy(error: unknown): boolean {
  return ((error as { errcode?: number }).errcode ?? 0) % 256 === RESULT.busy
}

function diskFull(message: string, cause: unknown): Error {
  const hint = 'free some space on its disk; "slipway rmi" and "slipway image prune" still work.'
  return fail('DISK_FULL', `${message}: no space left on device`, { cause, hint })
}
