import { fail, hasCode } from '../../core/index.ts'

/** Runs `work`; the message of a template's failure gets `prefix` in front, as each place of Docker words it. */
export function withPrefix<T>(prefix: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!hasCode(error, 'TEMPLATE_INVALID', 'TEMPLATE_FAILED')) throw error
    throw fail(error.code, prefix + error.message, { cause: error })
  }
}
