/** A place for hostile builds and images of a test file: a store, a context, and a canary that nothing may touch. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeEach, expect } from 'vitest'
import { runtimeFolder } from '../reliability/traces.ts'
import { type Examined, examine } from './examine.ts'

export interface Arena {
  /** For whatever else a test needs. */
  readonly work: string
  readonly canary: string
  readonly context: string
  /** What the canary holds and nobody else may. */
  readonly secret: string
  /** The store of the running test. */
  root(): string
  /** Runs a command, which may fail, but only for a reason that it tells. */
  play(args: readonly string[], more?: PlayOptions): Promise<Examined>
  /** Builds the context as `hostile`. */
  build(...args: string[]): Promise<Examined>
  /** Writes a file of the context. */
  file(name: string, content: string | Buffer): void
}

export interface PlayOptions {
  output?: 'ours' | 'of a container'
  env?: Record<string, string>
  stdin?: Buffer
}

/** Prepares a place for each test of a file and looks at the canary after each. */
export function openArena(): Arena {
  const work = mkdtempSync(path.join(os.tmpdir(), 'slipway-hostile-test-'))
  const canary = path.join(work, 'canary')
  const context = path.join(work, 'context')
  const secret = `canary-${process.pid}-secret`
  let stores = 0
  const root = (): string => path.join(work, `store-${stores}`)
  beforeEach(() => {
    stores++
    mkdirSync(canary)
    writeFileSync(path.join(canary, 'victim'), `${secret}\n`)
    mkdirSync(context)
  })
  afterEach(() => {
    expect(readdirSync(canary)).toEqual(['victim'])
    expect(readFileSync(path.join(canary, 'victim'), 'utf8')).toBe(`${secret}\n`)
    for (const folder of [canary, context, root(), runtimeFolder(root())])
      rmSync(folder, { recursive: true, force: true })
  })
  afterAll(() => rmSync(work, { recursive: true, force: true }))
  const play = async (args: readonly string[], { output = 'ours', ...more }: PlayOptions = {}): Promise<Examined> => {
    const examined = await examine(args, { root: root(), output, ...more })
    expect(examined.problems).toEqual([])
    const { stdout, stderr } = examined.result
    expect(stdout + stderr).not.toContain(secret)
    return examined
  }
  const build = (...args: string[]): Promise<Examined> =>
    play(['--debug', 'build', '--progress=plain', '-t', 'hostile', ...args, context])
  const file = (name: string, content: string | Buffer): void => writeFileSync(path.join(context, name), content)
  return { work, canary, context, secret, root, play, build, file }
}
