import path from 'node:path'
import { findHostCa, type PlanOptions } from '../../build/index.ts'
import { fail } from '../../core/index.ts'
import { hostPlatform } from '../../oci/index.ts'
import type { BuildRequest } from './request.ts'

/** What planning needs of a request. Fails with `HOST_CA_MISSING`. */
export function planOptions(request: BuildRequest): PlanOptions {
  const { target, shmSize, buildArgs = {}, allow = [], ulimits, resources, cgroupParent } = request
  return {
    buildArgs,
    labels: request.labels ?? {},
    platform: request.platform ?? hostPlatform(),
    buildPlatform: hostPlatform(),
    noCache: request.noCache ?? false,
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

/** Seconds since 1970, of the request or its build arguments. Fails with `EPOCH_INVALID`. */
export function epochOf({ epoch, buildArgs = {} }: BuildRequest): number | undefined {
  const text = buildArgs['SOURCE_DATE_EPOCH']
  if (epoch !== undefined) return epoch
  if (text === undefined || text === '') return undefined
  if (!/^\d{1,12}$/.test(text)) {
    throw fail('EPOCH_INVALID', `invalid SOURCE_DATE_EPOCH: ${text}`, { hint: 'It is a number of seconds since 1970.' })
  }
  return Number(text)
}
