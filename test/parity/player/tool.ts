/** What builds: Slipway's command line or Docker's. */

/** How a command ended. */
export interface Outcome {
  exitCode: number
  stdout: string
  stderr: string
}

export interface CommandOptions {
  cwd?: string
  stdin?: Buffer
}

/** A command line with images of its own. */
export interface Tool extends AsyncDisposable {
  readonly name: string
  /** Runs `docker ARGS` or `slipway ARGS`. A command that takes too long fails. */
  command(args: readonly string[], options?: CommandOptions): Promise<Outcome>
  /** Forgets everything but the base images, so that a case finds nothing of the one before it. */
  begin(): Promise<void>
}

/** Seconds that a command may take. */
export const COMMAND_LIMIT = 120
