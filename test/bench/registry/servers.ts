import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A kind of registry server that takes part. */
export interface ServerKind {
  readonly name: string
  readonly role: 'ours' | 'peer'
  /** Starts it on `port` of loopback with all its data below `folder`; made ready by `startServer`. */
  command(folder: string, port: number): readonly string[]
}

/** A server that answers. */
export interface RunningServer {
  readonly port: number
  readonly pid: number
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

const PATIENCE = 30_000

/** Ours, started by this command line. */
export const slipway = (command: readonly string[]): ServerKind => ({
  name: 'slipway',
  role: 'ours',
  command: (folder, port) => [...command, 'registry', 'serve', '--listen', `127.0.0.1:${port}`, '--root', folder],
})

/** Debian's docker-registry, without access log, as quick as it gets. */
export const dockerRegistry: ServerKind = {
  name: 'docker-registry',
  role: 'peer',
  command(folder, port) {
    const file = path.join(folder, 'config.yml')
    const storage = { filesystem: { rootdirectory: path.join(folder, 'data') }, delete: { enabled: true } }
    const log = { level: 'error', accesslog: { disabled: true } }
    // YAML is a superset of JSON
    writeFileSync(file, JSON.stringify({ version: 0.1, log, storage, http: { addr: `127.0.0.1:${port}` } }))
    return ['docker-registry', 'serve', file]
  },
}

/** Starts a server with nothing in it, and waits until it answers. Throws with what it said when it ends instead. */
export async function startServer(kind: ServerKind, folder: string): Promise<RunningServer> {
  mkdirSync(folder, { recursive: true })
  const port = await freePort()
  const log = `${folder}.log`
  const [program, ...args] = kind.command(folder, port)
  // Debian's build panics over this variable when it names a file that is not there
  const { AWS_CA_BUNDLE: _, ...env } = process.env
  const fd = openSync(log, 'w')
  const child = spawn(program!, args, { stdio: ['ignore', fd, fd], env })
  closeSync(fd)
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
      child.kill('SIGTERM')
      await Promise.race([
        once(child, 'exit'),
        sleep(5000, undefined, { ref: false }).then(() => child.kill('SIGKILL')),
      ])
    }
    rmSync(folder, { recursive: true, force: true })
    rmSync(log, { force: true })
  }
  try {
    await answering(child, port)
  } catch (error) {
    const said = readFileSync(log, 'utf8').slice(-2000)
    await stop()
    throw new Error(`${kind.name}: ${(error as Error).message}\n${said}`)
  }
  return { port, pid: child.pid!, stop }
}

async function answering(child: ChildProcess, port: number): Promise<void> {
  const failure = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => reject(new Error(`ended with ${signal ?? code}`)))
  })
  failure.catch(() => {})
  for (const deadline = performance.now() + PATIENCE; performance.now() < deadline; ) {
    const asked = fetch(`http://127.0.0.1:${port}/v2/`).then((response) => response.ok)
    if (await Promise.race([asked.catch(() => false), failure])) return
    await sleep(50)
  }
  throw new Error(`does not answer after ${PATIENCE / 1000} seconds`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
