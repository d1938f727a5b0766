import type { ShellInstruction } from '../../dockerfile/index.ts'
import { addHistory, type ConfigState } from './stage-state.ts'

/** SHELL: what shell forms are run by from here on. */
export function planShell(stage: ConfigState, { shell }: ShellInstruction): void {
  stage.config.Shell = shell
  addHistory(stage, `SHELL [${shell.join(' ')}]`)
}
