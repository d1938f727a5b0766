import path from 'node:path'
import type { RegistryConfig, Robots } from '../serve/index.ts'
import type { CommandContext } from './command.ts'

/** What a command line says about where a registry of our own keeps everything. */
interface RegistryContext extends Pick<CommandContext, 'globals' | 'env'> {
  flags: { root: string | undefined; config: string | undefined; store: boolean }
}

/** The flags of commands that work on a registry's folder, as `registry serve` has them. */
export const REGISTRY_FLAGS = {
  root: { kind: 'string', placeholder: 'DIR', completes: 'directory', about: 'Folder of the registry' },
  config: {
    kind: 'string',
    placeholder: 'FILE',
    completes: 'file',
    about: 'Configuration file of the registry (TOML)',
  },
  store: { kind: 'bool', about: 'The registry that serves the images of the local store' },
} as const

/** The folder of a registry: the one that is named, by a flag or the configuration, or one in the store's. */
export async function registryRoot({ flags, globals, env }: RegistryContext, config: RegistryConfig): Promise<string> {
  const named = flags.root ?? config.root
  if (named !== undefined) return named
  const store = globals.root ?? (await import('../store/index.ts')).defaultRoot(env)
  return path.join(store, flags.store ? 'serve' : 'registry')
}

/** Opens the robot tokens of the registry that the command line names, for the time of `work`. */
export async function withRobotsOf<T>(context: RegistryContext, work: (robots: Robots) => Promise<T>): Promise<T> {
  const { loadConfig, withRobots } = await import('../serve/index.ts')
  const { config } = context.flags
  const root = await registryRoot(context, config === undefined ? {} : loadConfig(config))
  return await withRobots(root, work)
}

/** The flags of upkeep: the local store is kept in order by commands of its own. */
export const UPKEEP_FLAGS: Pick<typeof REGISTRY_FLAGS, 'root' | 'config'> = {
  root: REGISTRY_FLAGS.root,
  config: REGISTRY_FLAGS.config,
}

/** Does a piece of upkeep on the registry that the command line names: `runUpkeep`. */
export async function upkeepOf(
  context: Pick<CommandContext, 'globals' | 'env' | 'signal'> & {
    flags: { root: string | undefined; config: string | undefined }
  },
  kind: Parameters<typeof import('../serve/index.ts').runUpkeep>[1],
): Promise<unknown> {
  const { loadConfig, runUpkeep } = await import('../serve/index.ts')
  const { flags, globals, env, signal } = context
  const config = flags.config === undefined ? {} : loadConfig(flags.config)
  const root = await registryRoot({ flags: { ...flags, store: false }, globals, env }, config)
  return await runUpkeep(root, kind, { config, signal })
}
