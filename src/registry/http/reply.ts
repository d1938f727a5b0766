import { collectBytes } from '../../core/index.ts'
import { connectionFailure } from './failure.ts'
import { discard } from './redirect.ts'
import type { Answer } from './send.ts'

/** An answer that was read whole. */
export interface Reply {
  readonly status: number
  readonly headers: Answer['headers']
  readonly body: Buffer
  readonly url: URL
}

/** Reads an answer, at most `limit` bytes of it; `onExceeded` makes the error for a longer one. */
export async function readReply(
  answer: Answer,
  method: string,
  limit: number,
  onExceeded: () => Error,
): Promise<Reply> {
  const { status, headers, url } = answer
  let exceeded: Error | undefined
  try {
    const body = await collectBytes(answer.body, limit, () => {
      exceeded = onExceeded()
      return exceeded
    })
    return { status, headers, body, url }
  } catch (error) {
    discard(answer)
    throw error === exceeded ? error : connectionFailure(error, method, url)
  }
}
