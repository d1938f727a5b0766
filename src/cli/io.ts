import { fstatSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { describeTerminal, type Terminal } from './render/terminal.ts'

/** A place that a command prints to. */
export interface Output {
  /** Resolves when all bytes are written; a command awaits it before the next one. */
  write(data: string | Uint8Array): Promise<void>
  /** Writes at once, for progress and last words; waits for a slow reader. */
  writeNow(data: string | Uint8Array): void
  /** What is known about the terminal behind it, if there is one. */
  terminal(): Terminal
}

/** The standard streams of a command. */
export interface CommandIo {
  stdout: Output
  stderr: Output
  stdin(): NodeJS.ReadStream
}

/** The reader of our output has gone away (`slipway images | head -1`): there is nothing left to do, and no one to tell. */
export class OutputClosed extends Error {}

/** The streams of this process. Nothing is opened before it is used: a terminal's stream takes time to set up. */
export function processIo(): CommandIo {
  return {
    stdout: fileOutput(1, () => process.stdout),
    stderr: fileOutput(2, () => process.stderr),
    stdin: () => process.stdin,
  }
}

/**
 * Output to a file descriptor. Bytes go straight to the system, so nothing is lost when the process ends; a pipe that
 * is full and does not block is waited for. Fails with `OutputClosed` when nobody reads any more.
 */
function fileOutput(fd: number, stream: () => NodeJS.WriteStream): Output {
  return {
    async write(data) {
      let rest = toBytes(data)
      for (;;) {
        rest = writeSome(fd, rest)
        if (rest.length === 0) return
        await sleep(2)
      }
    },
    writeNow(data) {
      let rest = toBytes(data)
      for (;;) {
        rest = writeSome(fd, rest)
        if (rest.length === 0) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2)
      }
    },
    terminal: () => describeTerminal(mayBeTerminal(fd) ? stream() : {}),
  }
}

/** Saves loading the terminal code for pipes and files, which most output of scripts goes to. */
function mayBeTerminal(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice()
  } catch {
    return false
  }
}

function toBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data
}

/** Writes until done or until the pipe is full, and returns what is left. */
function writeSome(fd: number, bytes: Uint8Array): Uint8Array {
  let rest = bytes
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') return rest
      if (code === 'EPIPE') throw new OutputClosed()
      throw error
    }
  }
  return rest
}
