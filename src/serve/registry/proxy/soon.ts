import { fail } from '../../../core/index.ts'
import { timeoutOf } from './settings.ts'
import type { Remote } from './upstream.ts'

/** Milliseconds that somebody waits for an upstream when there is something to answer with. */
const LONGEST = 5_000

/**
 * What the upstream says, if it says it soon: who has an answer does not wait long for a better one, which may come for the
 * next. Fails with `REGISTRY_UNAVAILABLE`.
 */
export async function soon<T>(asking: Promise<T>, { upstream }: Remote): Promise<T> {
  const longest = Math.min(LONGEST, timeoutOf(upstream.config))
  const message = `no answer within ${longest / 1000} seconds`
  const late = new Promise<never>((_resolve, reject) => {
    const timer = setTimeout(() => reject(fail('REGISTRY_UNAVAILABLE', message)), longest)
    const answered = (): void => clearTimeout(timer)
    asking.then(answered, answered)
  })
  late.catch((error: unknown) => upstream.failed(error))
  return await Promise.race([asking, late])
}
