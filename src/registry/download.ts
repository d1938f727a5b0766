import { type ByteRange, type Bytes, checkCanceled, fail, hasCode, type Job, SlipwayError } from '../core/index.ts'
import type { Descriptor } from '../oci/index.ts'
import type { About } from './answer-error.ts'
import type { Connection } from './connection.ts'
import { Delivery } from './delivery.ts'
import { connectionFailure } from './http/failure.ts'
import { discard } from './http/redirect.ts'
import { overcome, type Trouble, troubleOfFailure } from './http/retry.ts'
import type { Answer } from './http/send.ts'

/** Where a blob can be had. */
export interface Place {
  readonly server: Connection
  readonly to: string | URL
  readonly scopes: readonly string[]
  readonly about: About
  readonly pace?: 'questions' | 'downloads'
}

/** Breaks of one download that are overcome at most, however much comes in between. */
const MOST_BREAKS = 30

/**
 * The bytes of a blob, or a range of them. When the line breaks, it goes on behind the last byte; when a place gives up, at
 * the next one. A whole blob is verified: fails with `CONTENT_MISMATCH`; else with `BLOB_NOT_FOUND` and as `Connection.ask`.
 */
export async function* download(
  places: readonly Place[],
  descriptor: Descriptor,
  range: ByteRange | undefined,
  job: Job,
): Bytes {
  const delivery = new Delivery(descriptor, range)
  for (const place of places) {
    try {
      yield* fetchFrom(place, delivery, job)
      delivery.verify()
      return
    } catch (error) {
      checkCanceled(job)
      const isSpoilt = hasCode(error, 'CONTENT_MISMATCH') && delivery.hasBegun
      if (place === places.at(-1) || isSpoilt) throw error
    }
  }
}

async function* fetchFrom(place: Place, delivery: Delivery, job: Job): Bytes {
  const { patience } = place.server
  let canRange = true
  for (let attempt = 1, breaks = 1; !delivery.isComplete; attempt++, breaks++) {
    const before = delivery.at
    let trouble: Trouble
    try {
      const opened = await open(place, delivery, canRange, job)
      const skip = 'answer' in opened ? skipIn(opened.answer, delivery) : undefined
      if ('trouble' in opened) trouble = opened.trouble
      else if (skip === undefined) {
        trouble = wrongRange(opened.answer, canRange)
        canRange = false
      } else {
        yield* passOn(opened.answer, skip, delivery, job)
        trouble = endedEarly(opened.answer, delivery)
      }
    } catch (error) {
      trouble = troubleOfFailure(error)
    }
    if (delivery.isComplete) return
    if (delivery.at > before) attempt = 1
    await overcome(breaks < MOST_BREAKS ? trouble : { ...trouble, isPassing: false }, attempt, patience, job)
  }
}

function open(
  { server, to, scopes, about, pace = 'downloads' }: Place,
  delivery: Delivery,
  canRange: boolean,
  job: Job,
): Promise<{ answer: Answer } | { trouble: Trouble }> {
  const range = canRange ? delivery.rangeHeader() : undefined
  const headers: Record<string, string> = range === undefined ? {} : { range }
  const expects = range === undefined ? [200] : [200, 206, 416]
  return server.open({ method: 'GET', to, headers, scopes, about, expects, pace }, job)
}

/** How much of an answer was delivered already; `undefined` when it is other bytes than were asked for. */
function skipIn(answer: Answer, delivery: Delivery): number | undefined {
  try {
    const skip = delivery.skipIn(answer)
    if (skip === undefined) discard(answer)
    return skip
  } catch (error) {
    discard(answer)
    throw error
  }
}

async function* passOn(answer: Answer, skip: number, delivery: Delivery, job: Job): Bytes {
  let toSkip = skip
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      const skipped = Math.min(toSkip, chunk.length)
      toSkip -= skipped
      if (skipped === chunk.length) continue
      yield delivery.take(skipped === 0 ? chunk : chunk.subarray(skipped))
      if (delivery.isComplete && delivery.isPart) return
    }
  } catch (error) {
    checkCanceled(job)
    throw error instanceof SlipwayError ? error : connectionFailure(error, 'GET', answer.url)
  } finally {
    discard(answer)
  }
}

function endedEarly({ url }: Answer, { at, end }: Delivery): Trouble {
  const message = `${url.host} ended after ${at} of ${end} bytes: unexpected EOF`
  return { error: fail('REGISTRY_UNAVAILABLE', message), isPassing: true }
}

/** The first time, all is asked for again from the beginning. */
function wrongRange({ url }: Answer, isPassing: boolean): Trouble {
  return {
    error: fail('REGISTRY_INVALID_ANSWER', `${url.host} answered with other bytes than were asked for`),
    isPassing,
  }
}
