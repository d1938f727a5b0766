import type { CommandIo } from './io.ts'

/** Asks a question on the terminal; only `y` or `yes` is a yes. Without anybody to ask the answer is no. */
export async function confirm(io: CommandIo, question: string): Promise<boolean> {
  await io.stdout.write(question)
  let answer = ''
  for await (const chunk of io.stdin()) {
    answer += String(chunk)
    if (answer.includes('\n')) break
  }
  return /^y(es)?$/i.test(answer.split('\n')[0]!.trim())
}
