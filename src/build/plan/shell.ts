import type { ShellInstruction } from '../../dockerfile/index.ts'
import { addHistory, type StageState } from './stage-state.ts'

/** SHELL: what shell forms are run by from here on. */
export function planShell(stage: StageState, { shell }: ShellInstruction): void {
  stage.config.Shell = shell
  addHistory(stage, `SHELL [${shell.join(' ')}]`)
}
