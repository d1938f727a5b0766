import { closeSync, read as readCallback, write as writeCallback } from 'node:fs'
import os from 'node:os'
import { promisify } from 'node:util'
import { type Bytes, errnoOf, fail } from '../core/index.ts'
import { call, systemError } from './syscalls.ts'

const AF_UNIX = 1
const SOCK_SEQPACKET = 5
const SOCK_CLOEXEC = 0o2000000
const SHUTDOWN = { read: 0, write: 1, both: 2 }
const ADDRESS_LENGTH = 110
const PATH_LENGTH = 107
const LARGEST_PACKET = 64 << 10

const read = promisify(readCallback)
const write = promisify(writeCallback)

/**
 * A connection to a Unix socket that keeps packets apart, which Node's own sockets cannot. Reading and writing block a
 * thread of libuv's pool each, so this is for a few connections, not for a server.
 */
export class PacketSocket {
  readonly #fd: number
  #sending = 0
  #ended = false
  #closed = false

  /** Connects; throws a `SystemError` (ENOENT, ECONNREFUSED ...). */
  constructor(path: string) {
    const bytes = Buffer.from(path)
    if (bytes.length > PATH_LENGTH) throw fail('INTERNAL', `the path of a socket is too long: ${path}`)
    const address = Buffer.alloc(ADDRESS_LENGTH)
    address.writeUInt16LE(AF_UNIX, 0)
    bytes.copy(address, 2)
    this.#fd = call('int socket(int family, int type, int protocol)', [AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0], path)
    try {
      call('int connect(int fd, const uint8_t *address, uint32_t length)', [this.#fd, address, address.length], path)
    } catch (error) {
      closeSync(this.#fd)
      throw error
    }
  }

  /** The packets that arrive, until the other side ends or `close` is called. */
  async *packets(): Bytes {
    try {
      for (;;) {
        const { bytesRead, buffer } = await read(this.#fd, Buffer.allocUnsafe(LARGEST_PACKET), 0, LARGEST_PACKET, null)
        if (bytesRead === 0) return
        yield buffer.subarray(0, bytesRead)
      }
    } catch (error) {
      if (!['ECONNRESET', 'EBADF', 'ENOTCONN'].includes(errnoOf(error) ?? '')) throw error
    } finally {
      this.#shutdown(SHUTDOWN.both)
      this.#ended = true
      this.#closeUnused()
    }
  }

  /** Sends one packet; waits until there is room for it. Throws a `SystemError` (EPIPE) when nobody is there to get it. */
  async send(packet: Uint8Array): Promise<void> {
    if (this.#ended) throw systemError(os.constants.errno.EPIPE, 'write')
    this.#sending++
    try {
      await write(this.#fd, packet)
    } finally {
      this.#sending--
      this.#closeUnused()
    }
  }

  /** Says that nothing more will be sent. */
  endSending(): void {
    this.#shutdown(SHUTDOWN.write)
  }

  /** Ends the connection: `packets` comes to its end. */
  close(): void {
    this.#shutdown(SHUTDOWN.both)
  }

  /** A write that waits in the pool must not find another file under the number. */
  #closeUnused(): void {
    if (!this.#ended || this.#sending > 0 || this.#closed) return
    closeSync(this.#fd)
    this.#closed = true
  }

  #shutdown(how: number): void {
    try {
      if (!this.#closed) call('int shutdown(int fd, int how)', [this.#fd, how])
    } catch {
      // the other side has gone already
    }
  }
}
