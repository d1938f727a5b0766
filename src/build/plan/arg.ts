import { type ArgInstruction, expand } from '../../dockerfile/index.ts'
import { addHistory, at, type StageState } from './stage-state.ts'

/** They say what an SBOM is to be about; no step sees them. */
const SCAN_ARGUMENTS = ['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']

/** ARG: a value from the command line, else the default, else that of the global argument of the same name. */
export function planArg(stage: StageState, instruction: ArgInstruction): void {
  const { options, globalArgs } = stage.context
  const shown: string[] = []
  for (const { name, value } of instruction.declarations) {
    const key = name.text
    const given = options.buildArgs[key]
    const fallback = (): string | undefined =>
      value ? at(value.span, () => expand(value.text, stage.env, { escape: stage.escape }).text) : globalArgs.get(key)
    const result = given ?? fallback()
    if (result !== undefined && !SCAN_ARGUMENTS.includes(key)) stage.env.set(key, result)
    stage.args.set(key, result ?? '')
    shown.push(result === undefined ? key : `${key}=${result}`)
  }
  addHistory(stage, `ARG ${shown.join(' ')}`)
}
