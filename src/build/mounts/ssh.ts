import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { listKeys, readSshKey, type SshKey, signWith } from './ssh-key.ts'

/** An SSH agent that a build may use: the socket of one that runs, or files of private keys without passphrase. */
export type AgentSource = { readonly socket: string } | { readonly keys: readonly string[] }

/** Agents by the ids that Dockerfiles ask for. */
export type Agents = Readonly<Record<string, AgentSource>>

/** A socket on which an agent answers until it is disposed. */
export interface AgentSocket extends AsyncDisposable {
  readonly path: string
}

/** Messages of the agent protocol (draft-ietf-sshm-ssh-agent, section 6.1). */
const MESSAGE = { failure: 5, requestIdentities: 11, identitiesAnswer: 12, signRequest: 13, signResponse: 14 }
const LARGEST_MESSAGE = 256 << 10

/** Answers one message of a client, without its length. */
type Answer = (message: Buffer) => Promise<Buffer>

/**
 * Opens a socket at `file` on which a step finds an agent. It may list keys and sign with them, nothing else: what it
 * asks beyond is answered with a failure, and adds nothing to the user's agent. Fails as `readSshKey` does.
 */
export async function openAgentSocket(
  source: AgentSource,
  file: string,
  owner: { mode: number; uid: number; gid: number },
): Promise<AgentSocket> {
  const answer = 'socket' in source ? askAgent(source.socket) : answerWith(source.keys.map(readSshKey))
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  const clients = new Set<Socket>()
  const server = createServer((client) => {
    clients.add(client)
    client.once('close', () => clients.delete(client))
    serve(client, answer)
  })
  await listening(server, file)
  chownSync(file, owner.uid, owner.gid)
  chmodSync(file, owner.mode)
  return {
    path: file,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy()
      await new Promise((resolve) => server.close(resolve))
      rmSync(file, { force: true })
    },
  }
}

function listening(server: Server, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(file, () => resolve())
  })
}

/** One message after the other, each with its length before it. */
function serve(client: Socket, answer: Answer): void {
  let pending: Buffer = Buffer.alloc(0)
  let work = Promise.resolve()
  client.on('error', () => client.destroy())
  client.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk])
    for (let length = lengthOf(pending); length !== undefined; length = lengthOf(pending)) {
      if (length > LARGEST_MESSAGE) return void client.destroy()
      const message = pending.subarray(4, 4 + length)
      pending = pending.subarray(4 + length)
      work = work.then(async () => void client.write(framed(await allowed(message, answer))))
      work.catch(() => client.destroy())
    }
  })
}

function lengthOf(bytes: Buffer): number | undefined {
  if (bytes.length < 4) return undefined
  const length = bytes.readUInt32BE(0)
  return length > LARGEST_MESSAGE || bytes.length >= 4 + length ? length : undefined
}

async function allowed(message: Buffer, answer: Answer): Promise<Buffer> {
  const type = message[0]
  if (type !== MESSAGE.requestIdentities && type !== MESSAGE.signRequest) return FAILURE
  try {
    return await answer(message)
  } catch {
    return FAILURE
  }
}

const FAILURE = Buffer.from([MESSAGE.failure])

/** The user's own agent, a connection for each question. */
function askAgent(socket: string): Answer {
  return (message) =>
    new Promise((resolve, reject) => {
      const agent = connect(socket)
      let reply: Buffer = Buffer.alloc(0)
      agent.once('error', reject)
      agent.once('close', () => reject(new Error('the agent hung up')))
      agent.on('data', (chunk: Buffer) => {
        reply = Buffer.concat([reply, chunk])
        const length = lengthOf(reply)
        if (length === undefined) return
        resolve(reply.subarray(4, 4 + Math.min(length, LARGEST_MESSAGE)))
        agent.destroy()
      })
      agent.write(framed(message))
    })
}

function answerWith(keys: readonly SshKey[]): Answer {
  return async (message) => {
    if (message[0] === MESSAGE.requestIdentities) {
      return Buffer.concat([Buffer.from([MESSAGE.identitiesAnswer]), listKeys(keys)])
    }
    const signature = signWith(keys, message.subarray(1))
    return signature ? Buffer.concat([Buffer.from([MESSAGE.signResponse]), signature]) : FAILURE
  }
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(message.length)
  return Buffer.concat([length, message])
}
