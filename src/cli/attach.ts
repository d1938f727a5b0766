import type { Attachment, Engine } from '../engine/index.ts'
import type { CommandIo } from './io.ts'

/** A terminal, or whatever our standard streams are, connected to a container. */
export interface TerminalSession {
  /** Give this to `start`: it is called when the container exists. */
  begin(attachment: Attachment): void
  /** Resolves when the container's output has ended and is written. */
  outputEnded(): Promise<void>
  /** Puts the terminal back as it was. */
  end(): void
}

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const

/**
 * Connects our streams to a container that is about to start: output, with `interactive` input, with `terminal` a raw
 * terminal that tells its size. Signals go to the container.
 */
export function attachTerminal(
  engine: Engine,
  id: string,
  options: { io: CommandIo; terminal: boolean; interactive: boolean },
): TerminalSession {
  const { io, terminal, interactive } = options
  const undo: (() => void)[] = []
  let output: Promise<void> = Promise.resolve()
  return {
    begin(attachment) {
      output = copyOutput(attachment, io)
      output.catch(() => {})
      undo.push(forwardSignals(engine, id))
      if (interactive) undo.push(copyInput(attachment, io, terminal))
      if (terminal) undo.push(followSize(attachment, io))
    },
    outputEnded: () => output,
    end() {
      for (const each of undo.splice(0).reverse()) each()
    },
  }
}

async function copyOutput(attachment: Attachment, io: CommandIo): Promise<void> {
  for await (const { stream, chunk } of attachment.output()) {
    await (stream === 'stderr' ? io.stderr : io.stdout).write(chunk)
  }
}

function forwardSignals(engine: Engine, id: string): () => void {
  const listeners = FORWARDED.map((signal) => {
    const listener = (): void => void engine.containers.kill(id, signal).catch(() => {})
    process.on(signal, listener)
    return () => void process.off(signal, listener)
  })
  return () => {
    for (const remove of listeners) remove()
  }
}

/** One chunk at a time: a container that does not read makes our reader wait. */
function copyInput(attachment: Attachment, io: CommandIo, terminal: boolean): () => void {
  const stdin = io.stdin()
  if (terminal && stdin.isTTY) stdin.setRawMode(true)
  const pump = async (): Promise<void> => {
    for await (const chunk of stdin) await attachment.input(chunk as Buffer)
    attachment.endInput()
  }
  pump().catch(() => {}) // the container may end without reading
  return () => {
    if (terminal && stdin.isTTY) stdin.setRawMode(false)
    stdin.destroy()
  }
}

function followSize(attachment: Attachment, io: CommandIo): () => void {
  const tell = (): void => {
    const { columns, rows, isTerminal } = io.stdout.terminal()
    if (isTerminal) attachment.resize({ rows, columns })
  }
  process.on('SIGWINCH', tell)
  // the container's terminal is there when its process is
  const soon = setTimeout(tell, 50)
  tell()
  return () => {
    clearTimeout(soon)
    process.off('SIGWINCH', tell)
  }
}
