import { fail, hasCode, messageOf, SlipwayError } from '../core/index.ts'

/** The two ends of a copy. */
export type Side = 'source' | 'target'

/** Runs a step of a copy; its error says on which side it failed, and keeps its code. */
export async function sideOf<T>(side: Side, step: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw blame(side, step, error)
  }
}

/** The same error with the side in its message and its data; once only, and not for a cancellation. */
export function blame(side: Side, step: string, error: unknown): unknown {
  if (hasCode(error, 'CANCELED') || (error instanceof SlipwayError && error.data['side'] !== undefined)) return error
  const message = `cannot ${step} at the ${side}: ${messageOf(error)}`
  if (!(error instanceof SlipwayError)) return fail('COPY_FAILED', message, { cause: error, data: { side } })
  const { code, hint, span, data } = error
  const details = { ...(hint === undefined ? {} : { hint }), ...(span === undefined ? {} : { span }) }
  return fail(code, message, { ...details, data: { ...data, side }, cause: error })
}
