import { cpSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { runCommand } from '../../command.ts'
import { runtimeFolder } from '../../reliability/traces.ts'
import { COMMAND_LIMIT, type CommandOptions, type Outcome, type Tool } from './tool.ts'

/** Slipway's command line; each case has a copy of one prepared store. */
export class SlipwayTool implements Tool {
  readonly name = 'Slipway'
  readonly #template: string
  readonly #work: string
  #root: string
  #cases = 0

  /** `template` is a store that holds the base images. */
  constructor(template: string, work: string) {
    this.#template = template
    this.#work = work
    this.#root = template
  }

  async command(args: readonly string[], { cwd, stdin }: CommandOptions = {}): Promise<Outcome> {
    const { exitCode, stdout, stderr, timedOut } = await runCommand(args, {
      root: this.#root,
      limitSeconds: COMMAND_LIMIT,
      ...(cwd === undefined ? {} : { cwd }),
      ...(stdin === undefined ? {} : { stdin }),
    })
    return { exitCode, stdout: stdout.toString(), stderr: timedOut ? `${stderr}\ntook too long` : stderr }
  }

  async begin(): Promise<void> {
    this.#removeRoot()
    this.#root = path.join(this.#work, `store-${++this.#cases}`)
    mkdirSync(this.#work, { recursive: true })
    cpSync(this.#template, this.#root, { recursive: true })
  }

  #removeRoot(): void {
    if (this.#root === this.#template) return
    for (const folder of [this.#root, runtimeFolder(this.#root)]) rmSync(folder, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#removeRoot()
  }
}
