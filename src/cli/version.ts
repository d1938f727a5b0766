import { readFileSync } from 'node:fs'

declare const SLIPWAY_VERSION: string | undefined
declare const SLIPWAY_COMMIT: string | undefined

/** The version of this program: what the bundler put in, else that of package.json beside the sources. */
export function programVersion(): string {
  if (typeof SLIPWAY_VERSION === 'string') return SLIPWAY_VERSION
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** The commit that the bundle was made from; `''` when run from sources. */
export function programCommit(): string {
  return typeof SLIPWAY_COMMIT === 'string' ? SLIPWAY_COMMIT : ''
}

/** The Docker Engine API that our outputs follow. */
export const API_VERSION = '1.51'
