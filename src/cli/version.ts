declare const SLIPWAY_COMMIT: string | undefined

export { programVersion } from '../core/index.ts'

/** The commit that the bundle was made from; `''` when run from sources. */
export function programCommit(): string {
  return typeof SLIPWAY_COMMIT === 'string' ? SLIPWAY_COMMIT : ''
}

/** The Docker Engine API that our outputs follow. */
export const API_VERSION = '1.51'
