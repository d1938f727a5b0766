import path from 'node:path'
import type { WorkdirInstruction } from '../../dockerfile/index.ts'
import { addHistory, addLayer, type ConfigState, expandToken, type StageState } from './stage-state.ts'

/** WORKDIR: relative to the one before; the folder is made, with a layer of its own, unless it is the root. */
export function planWorkdir(stage: StageState, instruction: WorkdirInstruction): void {
  const folder = absolutePath(stage, expandToken(stage, instruction.path))
  stage.config.WorkingDir = folder
  const createdBy = `WORKDIR ${folder}`
  if (folder === '/') {
    addHistory(stage, createdBy)
    return
  }
  const op = { kind: 'folder', path: folder, user: stage.config.User ?? '', time: stage.time } as const
  addLayer(stage, { instruction, op, createdBy })
}

/** A path of the image, clean and without a slash at its end; what is relative starts at WORKDIR. */
export function absolutePath(stage: ConfigState, text: string): string {
  return path.posix.resolve('/', stage.config.WorkingDir ?? '/', text)
}
