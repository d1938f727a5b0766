import { closeSync, fstatSync, openSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { asBuffer } from '../core/index.ts'
import { type Child, startChild, temporaryFolder } from './child.suite.ts'
import { PacketSocket } from './index.ts'

/** What the other side does: its methods' names and arguments, one after the other. */
type Script = (['send', string] | ['sendMany', number, number] | ['receive'] | ['receiveToEnd'] | ['close'])[]

/** A process that listens on a socket, accepts one connection and plays its script; tells what it receives. */
async function server(script: Script): Promise<{ address: string; child: Child }> {
  const address = path.join(temporaryFolder(), 'socket')
  const child = startChild(
    async ({ syscalls, fs, tell, hear }, args) => {
      const name = Buffer.alloc(110)
      name.writeUInt16LE(1, 0)
      name.write(args.address, 2)
      const listener = syscalls.call('int socket(int family, int type, int protocol)', [1, 5, 0])
      syscalls.call('int bind(int fd, const uint8_t *address, uint32_t length)', [listener, name, name.length])
      syscalls.call('int listen(int fd, int backlog)', [listener, 1])
      tell('listening')
      const fd = syscalls.call('int accept(int fd, void *address, void *length)', [listener, null, null])
      const buffer = Buffer.alloc(1 << 20)
      for (const [step, a, b] of args.script) {
        if (step === 'send') fs.writeSync(fd, a as string)
        if (step === 'sendMany') for (let i = 0; i < (a as number); i++) fs.writeSync(fd, Buffer.alloc(b as number, i))
        if (step === 'receive') tell(buffer.toString('latin1', 0, fs.readSync(fd, buffer)))
        if (step === 'receiveToEnd') {
          let packets = 0
          let bytes = 0
          for (let n = fs.readSync(fd, buffer); n > 0; n = fs.readSync(fd, buffer)) {
            packets++
            bytes += n
          }
          tell({ packets, bytes })
        }
        if (step === 'close') fs.closeSync(fd)
      }
      await hear()
    },
    { address, script },
  )
  expect(await child.next()).toBe('listening')
  return { address, child }
}

async function all(socket: PacketSocket): Promise<string[]> {
  const packets: string[] = []
  for await (const packet of socket.packets()) packets.push(asBuffer(packet).toString('latin1'))
  return packets
}

describe('a packet socket', () => {
  test('keeps packets apart and in order', async () => {
    const { address } = await server([['send', 'one'], ['send', 'two'], ['send', 'x'.repeat(60_000)], ['close']])
    expect(await all(new PacketSocket(address))).toEqual(['one', 'two', 'x'.repeat(60_000)])
  })

  test('gets thousands of packets from a fast sender, none lost', async () => {
    const { address } = await server([['sendMany', 5000, 700], ['close']])
    const packets = await all(new PacketSocket(address))
    expect(packets.length).toBe(5000)
    expect(packets.every((packet, i) => packet.length === 700 && packet.charCodeAt(0) === (i & 255))).toBe(true)
  })

  test('sends packets; waits when there is no room', async () => {
    const { address, child } = await server([['receive'], ['receiveToEnd']])
    const socket = new PacketSocket(address)
    await socket.send(Buffer.from('first'))
    expect(await child.next()).toBe('first')
    for (let i = 0; i < 500; i++) await socket.send(Buffer.alloc(4096))
    socket.endSending()
    expect(await child.next()).toEqual({ packets: 500, bytes: 500 * 4096 })
    socket.close()
  })

  test('the end of sending does not end receiving', async () => {
    const { address, child } = await server([['receiveToEnd'], ['send', 'after'], ['close']])
    const socket = new PacketSocket(address)
    const packets = all(socket)
    socket.endSending()
    expect(await child.next()).toEqual({ packets: 0, bytes: 0 })
    expect(await packets).toEqual(['after'])
  })

  test('close ends a reading that waits', async () => {
    const { address } = await server([['receiveToEnd']])
    const socket = new PacketSocket(address)
    const packets = all(socket)
    setTimeout(() => socket.close(), 50)
    expect(await packets).toEqual([])
    socket.close()
  })

  test('a reader that leaves early closes it', async () => {
    const { address, child } = await server([['send', 'one'], ['receiveToEnd']])
    const socket = new PacketSocket(address)
    for await (const packet of socket.packets()) {
      expect(String(packet)).toBe('one')
      break
    }
    expect(await child.next()).toEqual({ packets: 0, bytes: 0 })
    await expect(socket.send(Buffer.from('x'))).rejects.toThrow(/EPIPE/)
  })

  test('what is sent after the end does not get into a file that was opened since', async () => {
    const { address } = await server([['close']])
    const socket = new PacketSocket(address)
    const early = Array.from({ length: 20 }, () => socket.send(Buffer.from('early')).catch(() => {}))
    await all(socket)
    const folder = temporaryFolder()
    const files = Array.from({ length: 20 }, (_, i) => openSync(path.join(folder, String(i)), 'w'))
    await Promise.all(early)
    for (let i = 0; i < 20; i++) await expect(socket.send(Buffer.from('late'))).rejects.toThrow(/EPIPE/)
    for (const fd of files) {
      expect(fstatSync(fd).size).toBe(0)
      closeSync(fd)
    }
  })

  test('leaves no descriptor behind', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length
    const { address } = await server([['close']])
    const before = open()
    const socket = new PacketSocket(address)
    await all(socket)
    await expect(socket.send(Buffer.from('x'))).rejects.toThrow()
    socket.endSending()
    socket.close()
    expect(open()).toBe(before)
  })

  test('a killed other side is the end', async () => {
    const { address, child } = await server([['receiveToEnd']])
    const packets = all(new PacketSocket(address))
    child.kill('SIGKILL')
    expect(await packets).toEqual([])
  })

  test('where nobody listens', async () => {
    const folder = temporaryFolder()
    expect(() => new PacketSocket(`${folder}/none`)).toThrow(/ENOENT: connect/)
    writeFileSync(`${folder}/file`, '')
    expect(() => new PacketSocket(`${folder}/file`)).toThrow(/ECONNREFUSED: connect/)
    const { address, child } = await server([])
    child.kill('SIGKILL')
    await child.ended
    expect(() => new PacketSocket(address)).toThrow(/ECONNREFUSED: connect/)
  })

  test('the longest path is 107 bytes', () => {
    expect(() => new PacketSocket(`/${'x'.repeat(107)}`)).toThrow(/path of a socket is too long/)
    expect(() => new PacketSocket(`/${'x'.repeat(106)}`)).toThrow(/ENOENT/)
  })
})
