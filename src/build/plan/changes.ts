import { fail } from '../../core/index.ts'
import { parse, parseInstruction } from '../../dockerfile/index.ts'
import type { ContainerConfig } from '../../oci/index.ts'
import { CONFIG_PLANNERS } from './instructions.ts'
import type { ConfigState } from './stage-state.ts'
import { setWorkingDir } from './workdir.ts'

/**
 * A container config after instructions of the Dockerfile language, as `--change` of `import` and `commit` gives them.
 * Fails with `DOCKERFILE_INVALID` for those that would do more than set the config.
 */
export function applyChanges(config: ContainerConfig, changes: readonly string[]): ContainerConfig {
  const pairs = (config.Env ?? []).map((pair) => pair.split(/=(.*)/s) as [string, string])
  const state: ConfigState = { escape: '\\', config: { ...config }, steps: [], env: new Map(pairs), cmdIsOwn: true }
  for (const change of changes) applyChange(state, change)
  return state.config
}

function applyChange(state: ConfigState, change: string): void {
  const { nodes } = parse({ name: '--change', text: change })
  if (nodes.length !== 1) throw fail('DOCKERFILE_INVALID', `${change} is not one instruction`)
  const instruction = parseInstruction(nodes[0]!)
  const { kind } = instruction
  if (kind === 'workdir') setWorkingDir(state, instruction.path.text)
  else if (Object.hasOwn(CONFIG_PLANNERS, kind)) {
    const plan = CONFIG_PLANNERS[kind as keyof typeof CONFIG_PLANNERS]
    plan(state, instruction as never)
  } else throw fail('DOCKERFILE_INVALID', `${kind.toUpperCase()} is not a valid change command`)
}
