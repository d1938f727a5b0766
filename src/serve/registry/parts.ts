import { accessPart } from './access/access.ts'
import type { RegistryConfig } from './config.ts'
import type { Authorize, RegistryExtensions } from './extensions.ts'
import type { RegistryDatabase } from './folder/database.ts'
import { proxyPart } from './proxy/proxy.ts'
import type { UpstreamState } from './proxy/state.ts'
import { offloadPart } from './sending/offload.ts'
import type { RegistryStorage } from './storage.ts'
import { upkeepPart } from './upkeep/upkeep.ts'

/** What a part of the server is made with. */
export interface PartContext {
  readonly config: RegistryConfig
  readonly storage: RegistryStorage
  /** The registry's tables. */
  readonly database: RegistryDatabase
  /** The folder of the database; a part that keeps files has a folder of its own in it. */
  readonly folder: string
  /** What the server's own routes already know: the address it can be reached at, once it listens. */
  url(): string
  /** Decides about rights as the server does. To be called while requests are answered, not before. */
  authorize: Authorize
  /** The registries that requests are passed to, as they are doing. To be called while requests are answered. */
  upstreams(): readonly UpstreamState[]
}

/** A part of the server beside the protocol: rights, upkeep, events, the JSON API. */
export type Part = (context: PartContext) => RegistryExtensions | Promise<RegistryExtensions>

/** The parts, in the order in which their `finished` and `close` are called. At most one may have each of `authorize`, `sendBlob`, `elsewhere`, `passThrough`. */
export const PARTS: readonly Part[] = [accessPart, proxyPart, upkeepPart, offloadPart]

/** Makes all parts and puts what they add together. */
export async function assembleParts(
  context: Omit<PartContext, 'authorize' | 'upstreams'>,
  parts: readonly Part[] = PARTS,
): Promise<RegistryExtensions> {
  const all: RegistryExtensions[] = []
  let decide: Authorize = () => ({})
  const upstreams = (): readonly UpstreamState[] => all.flatMap((one) => one.upstreams?.() ?? [])
  for (const part of parts) all.push(await part({ ...context, authorize: (request) => decide(request), upstreams }))
  const combined = combine(all)
  if (combined.authorize) decide = combined.authorize
  return combined
}

/** One extension that does what several do. */
export function combine(all: readonly RegistryExtensions[]): RegistryExtensions {
  const authorize = all.findLast((one) => one.authorize)?.authorize
  const sendBlob = all.findLast((one) => one.sendBlob)?.sendBlob
  const passThrough = all.findLast((one) => one.passThrough)?.passThrough
  const elsewhere = all.findLast((one) => one.elsewhere)?.elsewhere
  const finished = all.flatMap((one) => (one.finished ? [one.finished.bind(one)] : []))
  return {
    ...(authorize ? { authorize } : {}),
    ...(sendBlob ? { sendBlob } : {}),
    ...(passThrough ? { passThrough } : {}),
    ...(elsewhere ? { elsewhere } : {}),
    accept: (...upload) => {
      for (const one of all) one.accept?.(...upload)
    },
    ...(finished.length > 0 ? { finished: (request) => finished.forEach((tell) => void tell(request)) } : {}),
    plugins: all.flatMap((one) => one.plugins ?? []),
    close: async () => {
      for (const one of all) await one.close?.()
    },
  }
}
