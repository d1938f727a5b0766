import path from 'node:path'
import type { BuildRequest } from '../../engine/index.ts'
import { isImageModule, loadImageModule } from '../../image/index.ts'

/**
 * The image and the context of `build app.image.ts` (the folder that the module lies in is the context) or
 * `build -f app.image.ts PATH`; `undefined` when neither is a module. Fails with `IMAGE_MODULE_FAILED`.
 */
export async function imageFromModule(
  operand: string,
  file: string | undefined,
  buildArgs: Readonly<Record<string, string>>,
): Promise<Pick<BuildRequest, 'context' | 'image'> | undefined> {
  const module = [file, operand].find((name) => name !== undefined && isImageModule(name))
  if (module === undefined) return undefined
  const image = await loadImageModule(module, { buildArgs })
  return { context: module === file ? operand : path.dirname(module), image }
}
