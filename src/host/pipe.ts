import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { call } from './syscalls.ts'

/** A pipe whose other end goes to a program. */
export interface OutgoingPipe {
  /** What the program writes. */
  readonly output: Readable
  /** The descriptor to give to `spawn`. */
  readonly fd: number
  /** Closes our copy of that descriptor; until then the output does not end. */
  given(): void
}

// asm-generic/fcntl.h; Node has no name for it
const O_CLOEXEC = 0o2000000

/**
 * A real pipe. What `spawn` calls one is a pair of sockets, and a socket cannot be opened again by way of
 * `/dev/stdout`, as shell scripts do (open(2), ENXIO).
 */
export function openPipe(): OutgoingPipe {
  const ends = Buffer.alloc(8)
  call('int pipe2(void *ends, int flags)', [ends, O_CLOEXEC])
  const fd = ends.readInt32LE(4)
  const output = new Socket({ fd: ends.readInt32LE(0), readable: true, writable: false })
  return { output, fd, given: () => closeSync(fd) }
}
