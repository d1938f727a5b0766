import path from 'node:path'
import type { WorkdirInstruction } from '../../dockerfile/index.ts'
import { addHistory, addLayer, type ConfigState, expandToken, type StageState } from './stage-state.ts'

/** WORKDIR: the folder is made, with a layer of its own, unless it is the root. */
export function planWorkdir(stage: StageState, instruction: WorkdirInstruction): void {
  const written = setWorkingDir(stage, expandToken(stage, instruction.path))
  const createdBy = `WORKDIR ${written}`
  if (written === '/') {
    addHistory(stage, createdBy)
    return
  }
  const folder = absolutePath(stage, '')
  const op = { kind: 'folder', path: folder, user: stage.config.User ?? '', time: stage.time } as const
  addLayer(stage, { instruction, op, createdBy })
}

/** Sets the folder for what follows. As in BuildKit an absolute one stays as written, a relative one is cleaned. */
export function setWorkingDir(state: ConfigState, text: string): string {
  const current = state.config.WorkingDir || '/'
  const isAbsolute = text === '' || text.startsWith('/')
  state.config.WorkingDir = isAbsolute ? text || current : absolutePath(state, text)
  return state.config.WorkingDir
}

/** A path of the image, clean and without a slash at its end; what is relative starts at WORKDIR. */
export function absolutePath(stage: ConfigState, text: string): string {
  return path.posix.resolve('/', stage.config.WorkingDir ?? '/', text)
}
