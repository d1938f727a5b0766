import { readFileSync, rmSync } from 'node:fs'
import { unmount } from '../../../src/host/index.ts'
import type { CommandLine } from '../measure.ts'

/** A program that does what is measured, with a store of its own. */
export interface Tool {
  /** With its version: `Docker 28.5.2`. */
  readonly name: string
  /** What is being judged; everything else is what it is compared with. */
  readonly isOurs?: true
  /** Processes that work for it in the background. */
  readonly daemons: readonly number[]
  /** Builds the Dockerfile of a context. `fresh` does not use the cache. */
  build?(context: string, image: string, options?: { fresh?: boolean }): CommandLine
  /** Loads an image archive, so that the image could be run. */
  load?(archive: string): CommandLine
  /** Writes an image archive, layers uncompressed. */
  save?(image: string, archive: string): CommandLine
  /** Runs a program to its end, in a container that is removed. */
  run?(image: string, args: readonly string[]): CommandLine
  /** Brings an image from a registry and makes it ready to run; runs `true` in it, where the tool can run. */
  pull?(image: string): CommandLine
  /** Gives an image another name. */
  tag?(image: string, name: string): CommandLine
  /** Sends an image that was loaded to a registry, its layers compressed on the way; `tag` has named it. */
  push?(image: string, name: string): CommandLine
  listImages?(): CommandLine
  version?(): CommandLine
  /** Forgets all images and caches. Not measured. */
  reset(): Promise<void>
  /** Ends its daemon, if it has one, and removes what it stored. */
  close(): Promise<void>
}

/** The commands, one after the other. */
export function inTurn(first: CommandLine, second: CommandLine): CommandLine {
  const { argv, env = {} } = first
  const script = `"$@" && exec ${second.argv.map((word) => `'${word}'`).join(' ')}`
  return { argv: ['sh', '-c', script, 'sh', ...argv], env: { ...env, ...second.env } }
}

/** Removes a folder and everything that a tool has left mounted below it. */
export function removeStore(folder: string): void {
  const targets = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
  for (const target of targets.filter((each) => each.startsWith(`${folder}/`)).reverse())
    unmount(target, { detach: true })
  rmSync(folder, { recursive: true, force: true })
}
