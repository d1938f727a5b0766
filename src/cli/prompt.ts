import { fail } from '../core/index.ts'
import type { CommandContext } from './command.ts'

/** More than any name or password has. */
const MAX_ANSWER = 4096
const [CTRL_C, CTRL_D, CTRL_U, ENTER, NEWLINE, BACKSPACE, DELETE] = [3, 4, 21, 13, 10, 8, 127]

/**
 * Asks on the terminal and returns the line that is typed; with `secret` nothing of it is shown. Fails with `CANCELED`
 * at Ctrl-C, or with the reason of the signal. What follows the line stays in the stream for the next question.
 */
export async function ask(
  context: Pick<CommandContext, 'io' | 'signal'>,
  question: string,
  options: { secret?: boolean } = {},
): Promise<string> {
  const { secret = false } = options
  const { io, signal } = context
  const stdin = io.stdin()
  await io.stdout.write(question)
  if (secret && stdin.isTTY) stdin.setRawMode(true)
  try {
    return (await readLine(stdin, signal)).toString('utf8')
  } finally {
    if (secret && stdin.isTTY) stdin.setRawMode(false)
    if (secret) await io.stdout.write('\n')
  }
}

function readLine(stdin: NodeJS.ReadStream, signal: AbortSignal): Promise<Buffer> {
  const line: number[] = []
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      stdin.off('data', onData).off('end', onEnd).off('error', onError)
      signal.removeEventListener('abort', onAbort)
      stdin.pause()
      settle()
    }
    const onData = (chunk: Buffer): void => {
      const end = chunk.findIndex((byte) => byte === CTRL_C || edit(line, byte))
      if (end < 0) return
      const rest = chunk.subarray(end + 1)
      finish(() => {
        if (chunk[end] === CTRL_C) return reject(interrupted())
        if (rest.length > 0) stdin.unshift(rest)
        resolve(Buffer.from(line))
      })
    }
    const onEnd = (): void => finish(() => resolve(Buffer.from(line)))
    const onError = (error: Error): void => finish(() => reject(error))
    const onAbort = (): void => finish(() => reject(signal.reason))
    if (signal.aborted) return onAbort()
    if (stdin.readableEnded) return onEnd()
    signal.addEventListener('abort', onAbort)
    stdin.on('data', onData).on('end', onEnd).on('error', onError)
    stdin.resume()
  })
}

function interrupted(): Error {
  return fail('CANCELED', 'interrupted by SIGINT', { data: { exitCode: 130 } })
}

/** Does to a line what a key of a raw terminal does; whether that ends it. */
function edit(line: number[], byte: number): boolean {
  if (byte === ENTER || byte === NEWLINE || byte === CTRL_D) return true
  if (byte === CTRL_U) line.length = 0
  else if (byte === BACKSPACE || byte === DELETE) dropCharacter(line)
  else line.push(byte)
  return line.length >= MAX_ANSWER
}

/** The last character, which in UTF-8 may be several bytes. */
function dropCharacter(line: number[]): void {
  while (line.length > 0 && (line.pop()! & 0xc0) === 0x80) {
    // the bytes that continue a character go with it
  }
}
