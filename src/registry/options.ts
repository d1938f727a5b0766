import { fail } from '../core/index.ts'
import { Connection, type ConnectionOptions } from './connection.ts'
import { PATIENCE, type Patience } from './http/patience.ts'
import type { RegistrySettings } from './settings.ts'
import type { UploadJournal } from './uploads.ts'

/** How registries are used. */
export interface RegistryOptions {
  readonly settings: RegistrySettings
  /** Where unfinished uploads are remembered from one process to the next. */
  readonly journal?: UploadJournal
  /** What is going to be done: who will push gets tokens for that from the start. Pulling when missing. */
  readonly access?: 'pull' | 'push'
  /**
   * Whether the caller has this manifest already. Where it is given, `resolve` verifies by its content what a tag stands
   * for, unless the caller knows that content; without, the registry's word is taken until the content is read.
   */
  knows?(digest: string): boolean
  /** Also reads layers from the `urls` of their descriptors, wherever these lead, when the registry has them not. */
  readonly foreignLayers?: boolean
  /** How long and how often things are tried again. */
  readonly patience?: Partial<Patience>
}

/** The patience that options ask for. */
export function patienceOf({ patience }: Pick<RegistryOptions, 'patience'>): Patience {
  return { ...PATIENCE, ...patience }
}

/** A connection to a registry itself, for what concerns no repository. */
export async function connectionTo(
  domain: string,
  options: Pick<RegistryOptions, 'settings' | 'patience'>,
  own: Partial<Pick<ConnectionOptions, 'credentials' | 'offline'>> & { itself?: boolean } = {},
): Promise<Connection> {
  const { settings } = options
  const endpoints = await settings.endpoints({ domain, path: '' }, { itself: own.itself === true })
  const endpoint = endpoints.findLast(({ isMirror }) => !isMirror) ?? endpoints.at(-1)
  if (!endpoint) throw fail('REGISTRY_UNSUPPORTED', `no server is configured for ${domain}`)
  return new Connection(endpoint, {
    credentials: () => settings.credentials(endpoint.registry),
    patience: patienceOf(options),
    ...own,
  })
}
