import { randomBytes } from 'node:crypto'
import { messageOf } from '../../../core/index.ts'
import type { PassedRequest, PassThrough, RegistryExtensions } from '../extensions.ts'
import { refuse } from '../failure.ts'
import { folderLayout } from '../folder/layout.ts'
import type { PartContext } from '../parts.ts'
import { Answers } from './answers.ts'
import { checkUpstreams } from './config.ts'
import type { ProxyContext } from './context.ts'
import { findUpstream, localName } from './find.ts'
import { dropUnused } from './keep.ts'
import { checkFiles } from './settings.ts'
import { Upstream } from './upstream.ts'
import { viaFor } from './via.ts'

/** Milliseconds between looks for what nobody pulls any more. */
const SWEEP = 600_000

/**
 * The part of the server that makes it a cache of other registries. Adds nothing when the configuration names none. Fails with
 * `REGISTRY_CONFIG_INVALID`, and with `ACCESS_INVALID` for a wrong pattern.
 */
export async function proxyPart({ config, storage, database, folder }: PartContext): Promise<RegistryExtensions> {
  const configured = config.proxy?.upstream ?? []
  if (configured.length === 0) return {}
  checkUpstreams(configured)
  for (const one of configured) await checkFiles(one)
  const stop = new AbortController()
  const job = { progress: () => {}, signal: stop.signal }
  const context: ProxyContext = { storage, database, layout: folderLayout(folder), job, log }
  const upstreams = configured.map((one) => new Upstream(one, log))
  const answers = new Answers(context)
  const timer = setInterval(() => void sweep(context, upstreams), SWEEP).unref()
  return {
    passThrough: passThrough(context, upstreams, answers),
    upstreams: () => upstreams.map((one) => one.state()),
    async close() {
      clearInterval(timer)
      stop.abort()
      await answers.close()
    },
  }
}

function passThrough({ storage }: ProxyContext, upstreams: readonly Upstream[], answers: Answers): PassThrough {
  const own = `slipway-${randomBytes(8).toString('hex')}`
  return (exchange, route, action): PassedRequest | undefined => {
    const namespace = exchange.query.get('ns') ?? undefined
    const asked = { repository: route.repository, namespace, host: exchange.header('host'), action }
    const located = findUpstream(upstreams, asked, () => storage.repository(route.repository).exists())
    if (!located) return undefined
    const { upstream, path } = located
    const via = viaFor(exchange.header('via'), own)
    const name = localName(located)
    if (!upstream.serves(path)) throw refuse('DENIED', `this registry does not pass on ${upstream.name}/${path}`)
    if (namespace !== undefined) exchange.response.setHeader('OCI-Namespace', namespace)
    // taking something out of the cache is no matter of the upstream
    if (action === 'delete') return { repository: name }
    return { repository: name, answer: () => answers.answer(exchange, route, { upstream, name, path, via }) }
  }
}

async function sweep(context: ProxyContext, upstreams: readonly Upstream[]): Promise<void> {
  for (const upstream of upstreams) {
    await dropUnused(context, upstream).catch((error: unknown) => {
      context.log(`${upstream.name}: what nobody pulls cannot be taken away: ${messageOf(error)}`)
    })
  }
}

function log(line: string): void {
  // upstreams have a say in it
  process.stderr.write(`registry: ${line.replace(/\p{Cc}+/gu, ' ').slice(0, 2000)}\n`)
}
