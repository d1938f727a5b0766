import { closeSync, constants, openSync, writeSync } from 'node:fs'
import path from 'node:path'
import { asBuffer } from '../core/index.ts'
import { PacketSocket } from '../host/index.ts'

/** Somebody at the standard streams of a monitored container. */
export interface Attachment {
  /** Output in order; with a terminal everything is `stdout`. Ends when the container's streams do. */
  output(): AsyncIterable<{ stream: 'stdout' | 'stderr'; chunk: Buffer }>
  /** Bytes for the container's standard input; waits until there is room. */
  input(chunk: Uint8Array): Promise<void>
  /** End of standard input. */
  endInput(): void
  /** Tells a container's terminal its size. */
  resize(size: { rows: number; columns: number }): void
  /** Leaves; the container goes on. */
  detach(): void
}

// conmon puts the number of the stream in front of every packet
const STDERR = 3
// conmon reads at most this much of a packet of input
const INPUT_PACKET = 32 << 10
// conmon's control pipe: message type 1 is "window size"
const WINDOW_SIZE = 1

/** Attaches to a container whose monitor runs in `bundle`. Attach before starting it, and no output is missed. */
export function attach(bundle: string): Attachment {
  const socket = new PacketSocket(path.join(bundle, 'attach'))
  return {
    async *output() {
      for await (const packet of socket.packets()) {
        const chunk = asBuffer(packet).subarray(1)
        if (chunk.length > 0) yield { stream: packet[0] === STDERR ? 'stderr' : 'stdout', chunk }
      }
    },
    async input(chunk) {
      for (let at = 0; at < chunk.length; at += INPUT_PACKET) await socket.send(chunk.subarray(at, at + INPUT_PACKET))
    },
    endInput: () => socket.endSending(),
    resize: ({ rows, columns }) => control(bundle, `${WINDOW_SIZE} ${rows} ${columns}\n`),
    detach: () => socket.close(),
  }
}

/** A monitor that has ended has no reader at its pipe; then there is nothing to control either. */
function control(bundle: string, message: string): void {
  try {
    const fd = openSync(path.join(bundle, 'ctl'), constants.O_WRONLY | constants.O_NONBLOCK)
    writeSync(fd, message)
    closeSync(fd)
  } catch {
    // see above
  }
}
