import { type Bytes, checkCanceled, type Job } from '../core/index.ts'

/** Passes bytes on until the job is stopped; then it fails with `CANCELED`. */
export async function* stoppable(bytes: Bytes, job: Job): Bytes {
  for await (const chunk of bytes) {
    checkCanceled(job)
    yield chunk
  }
}
