import type { Docker } from '../docker.ts'
import type { CommandOptions, Outcome, Tool } from './tool.ts'

/** Docker's command line, for finding out whether a case says what Docker does. */
export class DockerTool implements Tool {
  readonly name = 'Docker'
  readonly #docker: Docker
  readonly #bases: ReadonlySet<string>

  /** `bases` are the images that stay, as `name:tag`. */
  constructor(docker: Docker, bases: ReadonlySet<string>) {
    this.#docker = docker
    this.#bases = bases
  }

  command(args: readonly string[], options: CommandOptions = {}): Promise<Outcome> {
    return this.#docker.command(args[0] === 'build' ? buildArgs(args) : args, options)
  }

  async begin(): Promise<void> {
    await this.command(['container', 'prune', '--force'])
    const { stdout } = await this.command(['images', '--format', '{{.Repository}}:{{.Tag}} {{.ID}}'])
    for (const line of stdout.trim().split('\n')) {
      const [name = '', id = ''] = line.split(' ')
      if (name !== '' && !this.#bases.has(name)) await this.command(['rmi', '-f', name.includes('<none>') ? id : name])
    }
    await this.command(['builder', 'prune', '--all', '--force'])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // the daemon belongs to whoever started it
  }
}

/** The daemon has no bridge. Attestations are left out unless asked for: their times make each image another one. */
function buildArgs([name = '', ...rest]: readonly string[]): string[] {
  const network = rest.includes('--network') ? [] : ['--network=host']
  const attestations = rest.includes('--attest') ? [] : ['--provenance=false']
  return [name, ...network, ...attestations, ...rest]
}
