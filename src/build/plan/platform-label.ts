import { formatPlatform, normalizePlatform, type Platform } from '../../oci/index.ts'

/**
 * The platform of a stage as progress shows it: `linux/arm64`, or `linux/amd64->arm64` for one that works on this
 * platform for another, which its declared arguments TARGETOS, TARGETARCH and TARGETVARIANT tell (BuildKit's
 * dockerfile2llb, `formatTargetPlatform`).
 */
export function platformLabel({ platform, env }: { platform: Platform; env: ReadonlyMap<string, string> }): string {
  return formatPlatform(platform) + targetLabel(platform, targetOf(env, platform))
}

function targetOf(env: ReadonlyMap<string, string>, base: Platform): Platform | undefined {
  const [os, architecture, variant] = ['TARGETOS', 'TARGETARCH', 'TARGETVARIANT'].map((name) => env.get(name))
  if (!os && !architecture && !variant) return undefined
  return normalizePlatform({
    os: os || base.os,
    architecture: architecture || base.architecture,
    ...(variant ? { variant } : {}),
  })
}

function targetLabel(base: Platform, target: Platform | undefined): string {
  if (!target) return ''
  if (target.os !== base.os) return `->${formatPlatform(target)}`
  if (target.architecture === base.architecture) return ''
  return `->${target.architecture}${target.variant ? `/${target.variant}` : ''}`
}
