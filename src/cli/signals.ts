import { fail } from '../core/index.ts'

/** Signals while a command runs. */
export interface SignalWatch extends Disposable {
  readonly signal: AbortSignal
  /** The exit code that the signal calls for (128 + its number), or undefined when none came. */
  exitCode(): number | undefined
}

const NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that the command can clean up; a second one ends the process at
 * once. Dispose it when the command has ended.
 */
export function watchSignals(exit: (code: number) => void = (code) => process.exit(code)): SignalWatch {
  const controller = new AbortController()
  let code: number | undefined
  const onSignal = (name: NodeJS.Signals): void => {
    const own = 128 + NUMBERS[name as keyof typeof NUMBERS]
    if (code !== undefined) exit(own)
    code = own
    controller.abort(fail('CANCELED', `interrupted by ${name}`, { data: { exitCode: own } }))
  }
  for (const name of Object.keys(NUMBERS)) process.on(name, onSignal)
  return {
    signal: controller.signal,
    exitCode: () => code,
    [Symbol.dispose]() {
      for (const name of Object.keys(NUMBERS)) process.off(name, onSignal)
    },
  }
}
