import { registerHooks } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { fail, messageOf } from '../core/index.ts'
import type { Image } from './image.ts'

/** What a module's function hears of the build. */
export interface ModuleParameters {
  /** Values of `--build-arg`. */
  buildArgs: Readonly<Record<string, string>>
}

/** Whether a file is a module that defines an image: `app.image.ts`, or `.js`, `.mts`, `.mjs`. */
export function isImageModule(file: string): boolean {
  return /\.image\.m?[jt]s$/.test(file)
}

/**
 * Loads the image that a module exports as `default`, or that its exported function makes. The module finds
 * `slipway/image` wherever it lies. It is a program, and may do whatever the user may. Fails with `IMAGE_MODULE_FAILED`.
 */
export async function loadImageModule(file: string, parameters: ModuleParameters): Promise<Image> {
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'slipway/image' ? { url: ownModule(), shortCircuit: true } : next(specifier, context),
  })
  try {
    const url = pathToFileURL(path.resolve(file))
    const { default: exported } = (await import(url.href)) as { default?: unknown }
    const image: unknown = typeof exported === 'function' ? await exported(parameters) : exported
    if (isImage(image)) return image
  } catch (error) {
    throw fail('IMAGE_MODULE_FAILED', `${file}: ${messageOf(error)}`, { cause: error })
  } finally {
    hooks.deregister()
  }
  throw fail('IMAGE_MODULE_FAILED', `${file} has no image as its default export`, {
    hint: "end it with: export default from('debian').run('...')",
  })
}

/** This room's own door: beside this file, or the bundle that was made of it. */
function ownModule(): string {
  return new URL(import.meta.url.endsWith('.ts') ? './index.ts' : './image.js', import.meta.url).href
}

/** A module may have a copy of this class of its own, so its shape counts. */
function isImage(value: unknown): value is Image {
  if (typeof value !== 'object' || value === null || !('definition' in value)) return false
  const { definition } = value
  return typeof definition === 'object' && definition !== null && 'base' in definition && 'lines' in definition
}
