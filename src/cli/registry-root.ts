import path from 'node:path'
import type { RegistryConfig } from '../serve/index.ts'
import type { CommandContext } from './command.ts'

/** What says where a registry of our own keeps everything. */
interface Wishes {
  root?: string | undefined
  config?: string | undefined
}

/** The flags of commands that work on a registry's folder, as `registry serve` has them. */
export const REGISTRY_FLAGS = {
  root: { kind: 'string', placeholder: 'DIR', completes: 'directory', about: 'Folder of the registry' },
  config: { kind: 'string', placeholder: 'FILE', completes: 'file', about: 'Configuration file (TOML)' },
} as const

/** The folder of the registry: the one that is named, by a flag or the configuration, or `registry` in the store's. */
export async function registryRoot(
  { globals, env }: Pick<CommandContext, 'globals' | 'env'>,
  { root }: Wishes,
  config: RegistryConfig,
): Promise<string> {
  const named = root ?? config.root
  if (named !== undefined) return named
  return path.join(globals.root ?? (await import('../store/index.ts')).defaultRoot(env), 'registry')
}

/** Opens the robot tokens of the registry that the command line names, for the time of `work`. */
export async function withRobotsOf<T>(
  context: Pick<CommandContext, 'globals' | 'env'> & { flags: Wishes },
  work: (robots: import('../serve/index.ts').Robots) => Promise<T>,
): Promise<T> {
  const { loadConfig, withRobots } = await import('../serve/index.ts')
  const { config } = context.flags
  const folder = await registryRoot(context, context.flags, config === undefined ? {} : loadConfig(config))
  return await withRobots(folder, work)
}
