import { fail } from '../../core/index.ts'
import type { VolumeInstruction } from '../../dockerfile/index.ts'
import { addHistory, type ConfigState, expandToken } from './stage-state.ts'

/** VOLUME: notes mount points; later steps may still change what is below them, as in BuildKit. */
export function planVolume(stage: ConfigState, instruction: VolumeInstruction): void {
  const paths = instruction.paths.map((token) => {
    const path = expandToken(stage, token)
    if (path === '')
      throw fail('DOCKERFILE_INVALID', 'VOLUME specified can not be an empty string', { span: token.span })
    return path
  })
  stage.config.Volumes = { ...stage.config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) }
  addHistory(stage, `VOLUME [${paths.join(' ')}]`)
}
