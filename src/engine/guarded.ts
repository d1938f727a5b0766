import { withDiskCode } from '../core/index.ts'

/** Runs a use case; what a full or broken disk did to it is said by a code. */
export async function guarded<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw withDiskCode(error)
  }
}

/** The same for a use case that does not wait for anything. */
export function guardedSync<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw withDiskCode(error)
  }
}

/** The same for one that gives its result bit by bit. */
export async function* guardedStream<T>(stream: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* stream
  } catch (error) {
    throw withDiskCode(error)
  }
}
