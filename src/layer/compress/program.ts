import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Bytes, errnoOf, fail } from '../../core/index.ts'

/** Passes bytes through a compression program that reads standard input and writes standard output. */
export async function* runProgram(program: 'bzip2' | 'xz', args: readonly string[], bytes: Bytes): Bytes {
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  })
  const ended = outcome(child)
  let failure: unknown
  const fed = feed(child, bytes).catch((error: unknown) => {
    failure = error
    child.kill()
  })
  try {
    await Promise.race([once(child, 'spawn'), ended])
    for await (const chunk of child.stdout!) yield chunk as Buffer
    const { code, message, error } = await ended
    if (failure) throw failure
    if (error) throw missing(program, error)
    if (code !== 0) throw fail('COMPRESSION_INVALID', `invalid ${program} data: ${message || `exit code ${code}`}`)
    await fed
  } finally {
    child.kill()
  }
}

interface Outcome {
  code: number | null
  message: string
  error?: Error
}

function outcome(child: ChildProcess): Promise<Outcome> {
  let message = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    if (message.length < 1000) message += chunk.toString()
  })
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, message, error }))
    child.once('close', (code) => resolve({ code, message: message.trim().split('\n')[0]! }))
  })
}

/** Writes the source into the program. One that stops reading has its reasons: its exit code tells. */
async function feed(child: ChildProcess, bytes: Bytes): Promise<void> {
  const input = child.stdin!
  let closed = false
  input.once('error', () => {
    closed = true
  })
  for await (const chunk of bytes) {
    if (closed) return
    if (!input.write(chunk)) await Promise.race([once(input, 'drain'), once(input, 'close')]).catch(() => {})
  }
  input.end()
}

function missing(program: string, cause: Error): Error {
  if (errnoOf(cause) !== 'ENOENT') return cause
  return fail('COMPRESSION_PROGRAM_MISSING', `exec: "${program}": executable file not found in $PATH`, {
    cause,
    hint: `install ${program === 'xz' ? 'xz-utils' : program}, or compress with gzip or zstd instead.`,
  })
}
