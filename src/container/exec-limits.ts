import { readFileSync } from 'node:fs'
import { fail } from '../core/index.ts'

// execve(2), "Limits on size of arguments and environment": 32 pages for one string, its NUL included
const LONGEST_STRING = 131_072
const POINTER = 8
const LEAST_TOTAL = 131_072
const MOST_TOTAL = 6 << 20
const USUAL_STACK = 8 << 20

/** What a process is started with. */
interface Arguments {
  args: readonly string[]
  env: readonly string[]
  cwd: string
  hostname: string
}

/**
 * Refuses what Linux cannot start a process with; runtimes cut a string at a NUL without a word, and find out about
 * strings that are too long when nobody listens any more. Fails with `RUNTIME_FAILED`, in the kernel's words.
 */
export function checkArguments({ args, env, cwd, hostname }: Arguments): void {
  const named = [
    ...args.map((text) => ['argument', text] as const),
    ...env.map((text) => ['environment variable', text] as const),
    ['working directory', cwd] as const,
    ['hostname', hostname] as const,
  ]
  let total = POINTER * (args.length + env.length + 2)
  for (const [what, text] of named) {
    if (text.includes('\0')) throw refuse('invalid argument', `a NUL byte in the ${what} ${JSON.stringify(head(text))}`)
    const bytes = Buffer.byteLength(text) + 1
    total += bytes
    if (bytes > LONGEST_STRING) {
      throw refuse('argument list too long', `the ${what} ${JSON.stringify(head(text))} has ${bytes - 1} bytes`)
    }
  }
  if (total > totalLimit()) throw refuse('argument list too long', `arguments and environment have ${total} bytes`)
}

/** A quarter of the stack, which a container inherits from us. */
function totalLimit(): number {
  const soft = /^Max stack size\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  const stack = Number(soft === undefined || soft === 'unlimited' ? USUAL_STACK : soft)
  return Math.max(LEAST_TOTAL, Math.min(MOST_TOTAL, stack / 4))
}

const head = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text)

function refuse(kernelWords: string, why: string): Error {
  return fail('RUNTIME_FAILED', `exec: ${kernelWords}: ${why}`, { data: { exitCode: 126 } })
}
