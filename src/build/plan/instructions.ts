import type { StageInstruction } from '../../dockerfile/index.ts'
import { planArg } from './arg.ts'
import { planCmd, planEntrypoint } from './command.ts'
import { planAdd, planCopy } from './copy.ts'
import { planEnv } from './env.ts'
import { planExpose } from './expose.ts'
import { planHealthcheck } from './healthcheck.ts'
import { planLabel } from './label.ts'
import { planMaintainer } from './maintainer.ts'
import { planOnbuild } from './onbuild.ts'
import { planRun } from './run.ts'
import { planShell } from './shell.ts'
import type { ConfigState, StageState } from './stage-state.ts'
import { planStopsignal } from './stopsignal.ts'
import { planUser } from './user.ts'
import { planVolume } from './volume.ts'
import { planWorkdir } from './workdir.ts'

type Planner<K extends StageInstruction['kind']> = (
  stage: StageState,
  instruction: Extract<StageInstruction, { kind: K }>,
) => void | Promise<void>

/** Those that only change the config, for `--change`: they need no stage. */
export const CONFIG_PLANNERS: {
  readonly [K in ConfigKeyword]: (state: ConfigState, instruction: Extract<StageInstruction, { kind: K }>) => void
} = {
  cmd: planCmd,
  entrypoint: planEntrypoint,
  env: planEnv,
  expose: planExpose,
  healthcheck: planHealthcheck,
  label: planLabel,
  onbuild: planOnbuild,
  stopsignal: planStopsignal,
  user: planUser,
  volume: planVolume,
}

type ConfigKeyword =
  | 'cmd'
  | 'entrypoint'
  | 'env'
  | 'expose'
  | 'healthcheck'
  | 'label'
  | 'onbuild'
  | 'stopsignal'
  | 'user'
  | 'volume'

const PLANNERS: { readonly [K in StageInstruction['kind']]: Planner<K> } = {
  add: planAdd,
  arg: planArg,
  copy: planCopy,
  maintainer: planMaintainer,
  run: planRun,
  shell: planShell,
  workdir: planWorkdir,
  ...CONFIG_PLANNERS,
}

/** Takes a stage one instruction further. */
export async function planInstruction(stage: StageState, instruction: StageInstruction): Promise<void> {
  const plan = PLANNERS[instruction.kind] as Planner<StageInstruction['kind']>
  await plan(stage, instruction as never)
}

/** Whether an instruction counts as a step in progress: those that can make a layer. */
export function isStep({ kind }: StageInstruction): boolean {
  return kind === 'run' || kind === 'copy' || kind === 'add' || kind === 'workdir'
}
