/** Pulls as part of a workload: what it loads, from a registry that runs here. */
import { rmSync } from 'node:fs'
import path from 'node:path'
import { serveRegistry } from '../../src/serve/index.ts'
import { runCommand } from '../command.ts'
import { runtimeFolder } from './traces.ts'
import type { Operation } from './workload.ts'

/** Operations that pull, while their registry runs. */
export interface Pulls extends AsyncDisposable {
  readonly operations: Operation[]
}

/** Pushes the images that the operations load to a registry below `folder`. */
export async function servePulls(folder: string, operations: readonly Operation[]): Promise<Pulls> {
  const server = await serveRegistry({ root: path.join(folder, 'registry'), config: { listen: '127.0.0.1:0' } })
  const { host } = new URL(server.url)
  const root = path.join(folder, 'pushing')
  const pulls: Operation[] = []
  for (const { args, image } of operations.filter((operation) => operation.args[0] === 'load')) {
    const remote = `${host}/${image}:1`
    for (const each of [args, ['tag', image, remote], ['push', '-q', remote]]) {
      const { exitCode, stderr } = await runCommand(each, { root })
      if (exitCode !== 0) throw new Error(`slipway ${each.join(' ')}: ${stderr}`)
    }
    pulls.push({ name: `pull ${image}`, args: ['pull', remote], image: remote, hasKeeper: false })
  }
  rmSync(root, { recursive: true })
  rmSync(runtimeFolder(root), { recursive: true, force: true })
  return { operations: pulls, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}
