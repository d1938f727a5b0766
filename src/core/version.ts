import { readFileSync } from 'node:fs'

declare const SLIPWAY_VERSION: string | undefined

/** The version of this program: what the bundler put in, else that of package.json beside the sources. */
export function programVersion(): string {
  if (typeof SLIPWAY_VERSION === 'string') return SLIPWAY_VERSION
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
