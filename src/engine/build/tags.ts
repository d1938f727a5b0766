import { fail, hasCode } from '../../core/index.ts'
import { fullName } from '../images.ts'

/** The full name of a tag for a build. Fails with `REFERENCE_INVALID`, in buildx's words. */
export function checkedTag(tag: string): string {
  try {
    return fullName(tag)
  } catch (error) {
    if (!hasCode(error, 'REFERENCE_INVALID')) throw error
    const hasDigest = error.message.includes('digest reference')
    if (hasDigest) throw fail('REFERENCE_INVALID', 'build tag cannot contain a digest', { cause: error })
    throw fail('REFERENCE_INVALID', `invalid tag "${tag}": ${tagProblem(tag, error.message)}`, { cause: error })
  }
}

/** What buildx says of a tag, where it has words of its own. */
function tagProblem(tag: string, message: string): string {
  if (tag === '') return 'repository name must have at least one component'
  return message.endsWith('must be lowercase') ? 'repository name must be lowercase' : message
}
