import type { Job } from '../../core/index.ts'
import { SHORTEST_SECRET } from '../secret-values.ts'

const STARS = Buffer.from('****')

/** Takes secrets out of a stream of output: what is certain so far, and at the end the rest. */
interface Mask {
  next(chunk: Uint8Array): Buffer
  end(): Buffer
}

/**
 * Replaces each of `values` in output by `****`, also where it comes in several chunks. Line ends around a value do not
 * count, so that a file with a secret in it and `echo` of it are both known. Values shorter than 4 bytes are let pass.
 */
export function createMask(values: readonly Uint8Array[]): Mask {
  const secrets = values
    .map((value) => trimmed(Buffer.from(value)))
    .filter((value) => value.length >= SHORTEST_SECRET)
    .sort((a, b) => b.length - a.length)
  let rest: Buffer = Buffer.alloc(0)
  return {
    next(chunk) {
      const text = replaceAll(Buffer.concat([rest, chunk]), secrets)
      const held = secrets.reduce((most, secret) => Math.max(most, beginningAtEnd(text, secret)), 0)
      rest = text.subarray(text.length - held)
      return text.subarray(0, text.length - held)
    },
    end() {
      const last = rest
      rest = Buffer.alloc(0)
      return last
    },
  }
}

function replaceAll(text: Buffer, secrets: readonly Buffer[]): Buffer {
  let masked = text
  for (const secret of secrets) {
    const parts: Buffer[] = []
    let from = 0
    for (let at = masked.indexOf(secret); at >= 0; at = masked.indexOf(secret, from)) {
      parts.push(masked.subarray(from, at), STARS)
      from = at + secret.length
    }
    if (parts.length > 0) masked = Buffer.concat([...parts, masked.subarray(from)])
  }
  return masked
}

/** How many bytes at the end of a text may be the beginning of a secret. */
function beginningAtEnd(text: Buffer, secret: Buffer): number {
  const first = Math.max(0, text.length - secret.length + 1)
  for (let at = text.indexOf(secret[0]!, first); at >= 0; at = text.indexOf(secret[0]!, at + 1)) {
    if (secret.subarray(0, text.length - at).equals(text.subarray(at))) return text.length - at
  }
  return 0
}

function trimmed(value: Buffer): Buffer {
  let [start, end] = [0, value.length]
  const isLineEnd = (at: number): boolean => value[at] === 10 || value[at] === 13
  while (start < end && isLineEnd(start)) start++
  while (end > start && isLineEnd(end - 1)) end--
  return value.subarray(start, end)
}

/** A job that hears output without the secrets in it. Disposing tells what is still held back. */
export function maskingJob(secrets: readonly Uint8Array[], task: string, job: Job): Disposable & { job: Job } {
  if (secrets.length === 0) return { job, [Symbol.dispose]: () => {} }
  const masks = { stdout: createMask(secrets), stderr: createMask(secrets) }
  const say = (stream: 'stdout' | 'stderr', chunk: Buffer): void => {
    if (chunk.length > 0) job.progress({ type: 'log', task, stream, chunk })
  }
  return {
    job: {
      ...job,
      progress: (event) =>
        event.type === 'log' ? say(event.stream, masks[event.stream].next(event.chunk)) : job.progress(event),
    },
    [Symbol.dispose]: () => {
      say('stdout', masks.stdout.end())
      say('stderr', masks.stderr.end())
    },
  }
}
