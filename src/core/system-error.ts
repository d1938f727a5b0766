import { errnoOf, fail, messageOf, SlipwayError } from './errors.ts'

const FULL = ['ENOSPC', 'EDQUOT']
const FAILED = ['EIO', 'EROFS']

/**
 * An error that came about because a disk is full, damaged or read-only gets a code that says so, whatever it was
 * wrapped in on its way; every other error is given back as it is.
 */
export function withDiskCode(error: unknown): unknown {
  const root = causesOf(error).find((cause) => [...FULL, ...FAILED].includes(errnoOf(cause) ?? ''))
  if (!root || (error instanceof SlipwayError && error.code.startsWith('DISK_'))) return error
  if (!FULL.includes(errnoOf(root)!)) return fail('DISK_FAILED', messageOf(error), { cause: error })
  const { path, dest } = root as NodeJS.ErrnoException & { dest?: string }
  const place = dest ?? path
  const where = place === undefined || messageOf(error).includes(place) ? '' : ` (${place})`
  return fail('DISK_FULL', `${messageOf(error)}${where}`, {
    cause: error,
    hint: 'free some space: "slipway image prune" removes what killed processes left and images without a name.',
  })
}

/** The error and what it says caused it, outermost first. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = []
  for (let at = error; at instanceof Error && causes.length < 20; at = at.cause) causes.push(at)
  return causes
}
