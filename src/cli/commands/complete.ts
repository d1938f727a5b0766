import { type Command, defineCommand } from '../command.ts'
import type { CompletionKind } from '../flags.ts'

/** Finds names for the shell. Errors are of no interest to someone who presses Tab: throw, and nothing is offered. */
export type Completer = (context: { root: string | undefined; env: NodeJS.ProcessEnv }) => Promise<readonly string[]>

/** Where the names of each kind come from. Files and directories are the shell's own business. */
export const COMPLETERS: Map<Exclude<CompletionKind, 'file' | 'directory'>, Completer> = new Map([
  ['image', completeImages],
  ['container', completeContainers],
])

async function completeImages({ root }: { root: string | undefined }): Promise<string[]> {
  const { openEngine } = await import('../../engine/index.ts')
  using engine = openEngine(root === undefined ? {} : { root })
  const tags = engine.images.list().flatMap((image) => image.tags)
  return [...tags, ...tags.filter((tag) => tag.endsWith(':latest')).map((tag) => tag.slice(0, -7))]
}

async function completeContainers({ root }: { root: string | undefined }): Promise<string[]> {
  const { openEngine } = await import('../../engine/index.ts')
  using engine = openEngine(root === undefined ? {} : { root })
  return engine.containers.list().map((container) => container.name)
}

/** `slipway __complete KIND PREFIX`: the names of a kind that begin with the prefix, a line each. */
export const command: Command = defineCommand({
  usage: 'KIND [PREFIX]',
  operands: { min: 1, max: 2 },
  flags: {},
  async run({ args, globals, env, io }) {
    const [kind, prefix = ''] = args
    const completer = COMPLETERS.get(kind as Exclude<CompletionKind, 'file' | 'directory'>)
    const names = completer ? await completer({ root: globals.root, env }).catch(() => []) : []
    // A name that a shell would take apart is not worth completing.
    const usable = names.filter((name) => name.startsWith(prefix) && /^[\w.:/@+-]+$/.test(name))
    await io.stdout.write(usable.map((name) => `${name}\n`).join(''))
    return 0
  },
})
