import type { OnbuildInstruction } from '../../dockerfile/index.ts'
import type { ConfigState } from './stage-state.ts'

/** ONBUILD: kept as text for the images that are built from this one; BuildKit writes no history for it. */
export function planOnbuild(stage: ConfigState, { trigger }: OnbuildInstruction): void {
  stage.config.OnBuild = [...(stage.config.OnBuild ?? []), trigger]
}
