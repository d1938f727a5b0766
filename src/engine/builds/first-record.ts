import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { redactUrl, soundsSecret } from '../../build/index.ts'
import { formatPlatform } from '../../oci/index.ts'
import { targetPlatforms } from '../build/plan-options.ts'
import type { BuildRequest } from '../build/request.ts'
import type { StoredBuild } from './record.ts'

/** What can be said of a build before it is begun. */
export function firstRecord(request: BuildRequest): StoredBuild {
  const { target, invocation, buildArgs = {}, labels = {} } = request
  const context = contextOf(request)
  const dockerfile = dockerfileOf(request)
  return {
    name: nameOf(context, dockerfile, target),
    status: 'running',
    context,
    dockerfile,
    ...(target === undefined ? {} : { target }),
    ...(invocation ? { invocation } : {}),
    platforms: targetPlatforms(request).map(formatPlatform),
    tags: [],
    buildArgs: Object.fromEntries(
      Object.entries(buildArgs).map(([name, value]) => [name, soundsSecret(name) ? '***' : value]),
    ),
    labels: { ...labels },
    warnings: 0,
    steps: [],
    cachedSteps: 0,
    totalSteps: 0,
    explanation: [],
  }
}

/** What builds have in common that are compared with one another. */
export function definitionOf({ context, dockerfile }: StoredBuild): string {
  return JSON.stringify([context, dockerfile])
}

/** As people know it again: a folder by its real path. */
function contextOf({ context }: BuildRequest): string {
  if (typeof context !== 'string') return '-'
  if (!isLocal(context)) return redactUrl(context)
  return existsSync(context) ? realpathSync(context) : path.resolve(context)
}

function dockerfileOf({ dockerfile = 'Dockerfile', image }: BuildRequest): string {
  if (image) return 'image'
  return typeof dockerfile === 'string' ? redactUrl(dockerfile) : dockerfile.name
}

const isLocal = (context: string): boolean => context !== '-' && !context.includes('://') && !/^git@/.test(context)

function nameOf(context: string, file: string, target: string | undefined): string {
  const folder = isLocal(context) ? path.basename(context) : context
  const other = path.basename(file) === 'Dockerfile' ? '' : `/${path.basename(file)}`
  return `${folder || '/'}${other}${target ? ` (${target})` : ''}`
}
