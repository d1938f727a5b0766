import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'

/** A registry in a process of its own, to be killed. */
export interface Victim {
  readonly url: string
  /** Kills it at once (`SIGKILL`), and waits until it is gone. */
  kill(): Promise<void>
}

/** Starts a registry from source that collects without mercy. */
export async function startVictim(root: string, config: object): Promise<Victim> {
  const serve = path.join(import.meta.dirname, '../serve.ts')
  const script = `
    const { serveRegistry } = await import(${JSON.stringify(serve)})
    const server = await serveRegistry({ root: ${JSON.stringify(root)}, config: ${JSON.stringify(config)} })
    console.log(server.url)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await firstLine(child)
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return {
    url,
    kill: () => {
      child.kill('SIGKILL')
      return gone
    },
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.stdout!.once('data', (data: Buffer) => resolve(data.toString().trim()))
    child.once('exit', (code) => reject(new Error(`the registry ended with ${code}`)))
  })
}
