import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { isInMemory, sendFileBytes } from './sendfile.ts'

const folder = mkdtempSync(path.join(import.meta.dirname, '.sendfile-'))
const name = path.join(folder, 'file')
const content = Buffer.from(Array.from({ length: 100_000 }, (_, at) => at % 251))
writeFileSync(name, content)
afterAll(() => rmSync(folder, { recursive: true }))

let server: Server
let ours: Socket
let theirs: Socket
let file: number
const fdOf = (socket: Socket): number => (socket as unknown as { _handle: { fd: number } })._handle.fd

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  theirs = connect((server.address() as { port: number }).port, '127.0.0.1')
  ours = ((await once(server, 'connection')) as [Socket])[0]
  file = openSync(name, 'r')
})
afterEach(() => {
  closeSync(file)
  ours.destroy()
  theirs.destroy()
  server.close()
})

test('bytes arrive as they stand in the file, from the position on', async () => {
  expect(sendFileBytes(fdOf(ours), file, 70, 1000)).toBe(1000)
  const [got] = (await once(theirs, 'data')) as [Buffer]
  expect(got.equals(content.subarray(70, 1070))).toBe(true)
})

test('a file that has no more bytes sends none', () => {
  expect(sendFileBytes(fdOf(ours), file, content.length, 10)).toBe(0)
  expect(sendFileBytes(fdOf(ours), file, content.length - 3, 10)).toBe(3)
})

test('a socket whose reader does not read is full at some time, and nothing blocks', () => {
  let sent = 0
  let outcome = sendFileBytes(fdOf(ours), file, 0, content.length)
  for (; typeof outcome === 'number'; outcome = sendFileBytes(fdOf(ours), file, 0, content.length)) sent += outcome
  expect(outcome).toBe('full')
  expect(sent).toBeGreaterThan(0)
})

test('a connection that takes no more bytes is gone', async () => {
  ours.end()
  await once(ours, 'finish')
  expect(sendFileBytes(fdOf(ours), file, 0, 10)).toBe('gone')
})

test('a file that is not open for reading is an error', () => {
  const sink = openSync('/dev/null', 'w')
  expect(() => sendFileBytes(fdOf(ours), sink, 0, 10)).toThrow(/EBADF: sendfile/)
  closeSync(sink)
})

test('what cannot be sent that way says so', () => {
  const folderFd = openSync(folder, 'r')
  expect(sendFileBytes(fdOf(ours), folderFd, 0, 10)).toBe('unsupported')
  closeSync(folderFd)
})

const fileSystem = execFileSync('stat', ['-f', '-c', '%T', folder], { encoding: 'utf8' }).trim()

// other file systems may not be able to say, or to drop pages
test.skipIf(fileSystem !== 'ext2/ext3')('pages are in memory once they were read, until the kernel drops them', () => {
  readFileSync(name)
  expect(isInMemory(file, 0)).toBe(true)
  const writable = openSync(name, 'r+')
  fsyncSync(writable)
  closeSync(writable)
  execFileSync('dd', [`if=${name}`, 'iflag=nocache', 'count=0', 'status=none'])
  expect(isInMemory(file, 0)).toBe(false)
})
