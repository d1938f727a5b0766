import { fail, type SlipwayError } from '../core/index.ts'
import type { Descriptor } from './descriptor.ts'
import type { Index } from './manifest.ts'
import { formatPlatform, normalizePlatform, type Platform } from './platform.ts'

/** Whether a machine of platform `wanted` can run what was made for `offered`. */
export function matchesPlatform(wanted: Platform, offered: Platform): boolean {
  return rank(compatible(normalizePlatform(wanted)), offered) >= 0
}

/**
 * The entry of an index that Docker would take for a platform: the best match, and among equals the first. Entries
 * without a platform (an index in the index, a single image) are a last resort; attestations are never chosen.
 * Fails with `PLATFORM_NOT_FOUND`.
 */
export function selectManifest(index: Index, wanted: Platform): Descriptor {
  const order = compatible(normalizePlatform(wanted))
  let best: { entry: Descriptor; rank: number } | undefined
  for (const entry of index.manifests) {
    if (isAttestation(entry) || (!entry.platform && entry.artifactType)) continue
    const found = entry.platform ? rank(order, entry.platform) : order.length
    if (found >= 0 && (!best || found < best.rank)) best = { entry, rank: found }
  }
  if (best) return best.entry
  const offered = index.manifests.flatMap((entry) =>
    entry.platform && !isAttestation(entry) ? [formatPlatform(normalizePlatform(entry.platform))] : [],
  )
  throw noMatch(wanted, offered)
}

/** Whether an entry of an index says something about another entry, as BuildKit's attestations do; it cannot run. */
export function isAttestation(entry: Descriptor): boolean {
  const { os, architecture } = entry.platform ?? {}
  return (os === 'unknown' && architecture === 'unknown') || 'vnd.docker.reference.type' in (entry.annotations ?? {})
}

function noMatch(wanted: Platform, offered: readonly string[]): SlipwayError {
  const names = [...new Set(offered)].slice(0, 20)
  const hint = names.length > 0 ? { hint: `The image has ${names.join(', ')}; choose one with --platform.` } : {}
  const what = `no matching manifest for ${formatPlatform(normalizePlatform(wanted))} in the manifest list entries`
  return fail('PLATFORM_NOT_FOUND', what, { ...hint, data: { offered: names } })
}

/** All that a machine can run, best first: its own platform, then older variants, then the 32-bit sibling. */
function compatible(wanted: Platform): Platform[] {
  const { architecture, variant = '' } = wanted
  const as = (name: string, variants: string[]): Platform[] =>
    variants.map((version) => normalizePlatform({ ...wanted, architecture: name, variant: version }))
  switch (architecture) {
    case 'amd64':
      return [...as('amd64', [variant, ...countDown(variant, 1)]), ...as('386', [''])]
    case 'arm':
      return as('arm', [variant, ...countDown(variant, 5)])
    case 'arm64':
      return [...as('arm64', arm64Variants(variant)), ...as('arm', ['v8', 'v7', 'v6', 'v5'])]
    default:
      return [wanted]
  }
}

/** The versions below `vN`, down to `lowest`. */
function countDown(variant: string, lowest: number): string[] {
  const version = /^v(\d)$/.exec(variant)
  const result: string[] = []
  for (let i = Number(version?.[1] ?? 0) - 1; i >= lowest; i--) result.push(`v${i}`)
  return result
}

/** Armv9.N has all of Armv8.(N+5) (Arm ARM, "Architecture extensions"). */
function arm64Variants(variant: string): string[] {
  const version = /^v([89])(?:\.([0-9]))?$/.exec(variant === '' ? 'v8' : variant)
  if (!version) return [variant]
  const result: string[] = []
  let minor = Number(version[2] ?? 0)
  if (version[1] === '9') {
    for (let i = minor; i >= 0; i--) result.push(`v9.${i}`)
    minor = Math.min(minor + 5, 9)
  }
  for (let i = minor; i >= 0; i--) result.push(`v8.${i}`)
  return result
}

function rank(order: readonly Platform[], offered: Platform): number {
  const { os, architecture, variant, 'os.version': version } = normalizePlatform(offered)
  return order.findIndex(
    (one) =>
      one.os === os &&
      one.architecture === architecture &&
      one.variant === variant &&
      // a Windows image needs the kernel of its own build
      (os !== 'windows' || sameBuild(one['os.version'], version)),
  )
}

function sameBuild(wanted: string | undefined, offered: string | undefined): boolean {
  if (!wanted || !offered) return true
  const build = (version: string): string => version.split('.').slice(0, 3).join('.')
  return build(wanted) === build(offered)
}
