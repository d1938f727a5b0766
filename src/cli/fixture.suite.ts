import { Readable } from 'node:stream'
import { openEngine } from '../engine/index.ts'
import { temporaryStore } from '../store/fixture.suite.ts'
import type { CommandIo, Output } from './io.ts'
import { main } from './main.ts'

/** What a command answered. */
export interface Answer {
  code: number
  out: string
  err: string
}

/** A command line over a store of its own. */
export interface CommandLine {
  root: string
  /** Runs a command to its end. */
  (...argv: string[]): Promise<Answer>
  /** The same with something at its standard input. */
  with(stdin: Uint8Array | string, ...argv: string[]): Promise<Answer>
  /** Like the call, for standard output alone, as bytes. */
  bytes(...argv: string[]): Promise<Buffer>
}

function memory(): { output: Output; bytes(): Buffer } {
  const chunks: Buffer[] = []
  const keep = (data: string | Uint8Array): void => void chunks.push(Buffer.from(data))
  return {
    output: {
      write: async (data) => keep(data),
      writeNow: keep,
      terminal: () => ({ isTerminal: false, columns: 100, rows: 24, colors: false }),
    },
    bytes: () => Buffer.concat(chunks),
  }
}

/** What a command line runs with. */
interface Surroundings {
  env?: Record<string, string>
  stdin?: Uint8Array | string
}

async function run(argv: readonly string[], { env = {}, stdin = '' }: Surroundings): Promise<[Answer, Buffer]> {
  const [out, err] = [memory(), memory()]
  const input = Readable.from([Buffer.from(stdin)]) as unknown as NodeJS.ReadStream
  const io: CommandIo = { stdout: out.output, stderr: err.output, stdin: () => input }
  const code = await main(argv, { io, env })
  return [{ code, out: out.bytes().toString(), err: err.bytes().toString() }, out.bytes()]
}

/** Runs a command line to its end, without a terminal. */
export async function callMain(argv: readonly string[], surroundings: Surroundings = {}): Promise<Answer> {
  return (await run(argv, surroundings))[0]
}

/** Opens a command line whose store is gone after the test. */
export function openCommandLine(): CommandLine {
  const { root } = temporaryStore()
  const env = { FROM_OUTSIDE: 'seen' }
  const whole = (argv: readonly string[]): string[] => ['--root', root, ...argv]
  const call = (...argv: string[]): Promise<Answer> => callMain(whole(argv), { env })
  return Object.assign(call, {
    root,
    with: (stdin: Uint8Array | string, ...argv: string[]): Promise<Answer> => callMain(whole(argv), { env, stdin }),
    bytes: async (...argv: string[]): Promise<Buffer> => (await run(whole(argv), { env }))[1],
  })
}

/** Kills and removes all containers of a command line. */
export async function removeContainers(root: string): Promise<void> {
  using engine = openEngine({ root })
  for (const { id } of engine.containers.list()) await engine.containers.remove(id, { force: true })
}
