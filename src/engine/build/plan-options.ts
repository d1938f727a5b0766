import path from 'node:path'
import { findHostCa, type PlanOptions } from '../../build/index.ts'
import { fail } from '../../core/index.ts'
import { formatPlatform, hostPlatform, normalizePlatform, type Platform } from '../../oci/index.ts'
import type { BuildRequest } from './request.ts'

/** What planning for one platform needs of a request. Fails with `HOST_CA_MISSING`. */
export function planOptions(request: BuildRequest, platform: Platform): PlanOptions {
  const { target, shmSize, buildArgs = {}, allow = [], ulimits, resources, cgroupParent } = request
  return {
    buildArgs,
    labels: request.labels ?? {},
    platform,
    buildPlatform: hostPlatform(),
    namesPlatform: isMultiPlatform(request),
    noCache: request.noCache ?? false,
    noCacheFilter: request.noCacheFilter ?? [],
    network: request.network ?? 'default',
    extraHosts: request.extraHosts ?? [],
    allow: request.network === 'host' ? [...allow, 'network.host'] : allow,
    ...(ulimits === undefined ? {} : { ulimits }),
    ...(resources === undefined ? {} : { resources }),
    ...(cgroupParent === undefined ? {} : { cgroupParent: path.posix.resolve('/', cgroupParent) }),
    ...(target === undefined ? {} : { target }),
    ...(shmSize === undefined ? {} : { shmSize }),
    ...(request.hostCa ? { hostCa: findHostCa() } : {}),
  }
}

/** What to build for, each platform once. */
export function targetPlatforms({ platforms = [] }: BuildRequest): Platform[] {
  if (platforms.length === 0) return [hostPlatform()]
  const named = platforms.map((platform) => [formatPlatform(normalizePlatform(platform)), platform] as const)
  return [...new Map(named).values()].map(normalizePlatform)
}

/** Whether the result is an index even if it is for one platform only, and progress names platforms. */
export function isMultiPlatform(request: BuildRequest): boolean {
  const text = request.buildArgs?.['BUILDKIT_MULTI_PLATFORM']
  if (text === undefined) return targetPlatforms(request).length > 1
  const value = { '1': true, t: true, true: true, '0': false, f: false, false: false }[text.toLowerCase()]
  if (value === undefined) throw fail('USAGE_INVALID', `invalid boolean value for BUILDKIT_MULTI_PLATFORM: ${text}`)
  return value
}
