import { checkCanceled, fail, hasCode, type Job, messageOf, SlipwayError } from '../core/index.ts'
import { familiarReference } from '../oci/index.ts'
import type { About } from './answer-error.ts'
import { type Action, repositoryScope } from './auth/scope.ts'
import { Connection } from './connection.ts'
import type { Patience } from './http/patience.ts'
import type { RegistryEndpoint, RegistrySettings, RepositoryName } from './settings.ts'

/** What the servers of a repository have in common. */
export interface RouteOptions {
  readonly settings: RegistrySettings
  readonly patience: Patience
  /** What tokens allow from the start. */
  readonly access: 'pull' | 'push'
}

/** The servers that answer for a repository, mirrors first, and the words for what is asked of them. */
export class Route {
  readonly name: RepositoryName
  readonly #options: RouteOptions
  #connections: Promise<readonly Connection[]> | undefined

  constructor(name: RepositoryName, options: RouteOptions) {
    this.name = name
    this.#options = options
  }

  /** The servers that can do this, in their order. Fails with `REGISTRY_UNSUPPORTED` when there is none. */
  async servers(ability: keyof RegistryEndpoint['can']): Promise<readonly Connection[]> {
    this.#connections ??= this.#connect()
    const able = (await this.#connections).filter(({ endpoint }) => endpoint.can[ability])
    if (able.length > 0) return able
    throw fail('REGISTRY_UNSUPPORTED', `no server is configured that can ${ability} ${this.familiar()}`)
  }

  /** The server that is written to. */
  async writable(): Promise<Connection> {
    const servers = await this.servers('push')
    return servers.find(({ endpoint }) => !endpoint.isMirror) ?? servers[0]!
  }

  /** The registry itself, or what comes nearest to it: it alone knows all tags and referrers. */
  async own(): Promise<Connection> {
    return (await this.servers('resolve')).at(-1)!
  }

  /** Asks one server after the other until one answers; the error is the last one's, which is the registry's own. */
  async first<T>(ability: 'pull' | 'resolve', ask: (server: Connection) => Promise<T>, job: Job): Promise<T> {
    const servers = await this.servers(ability)
    const failures: string[] = []
    for (const server of servers) {
      try {
        return await ask(server)
      } catch (error) {
        checkCanceled(job)
        failures.push(`${server.endpoint.url}: ${messageOf(error)}`)
        if (server === servers.at(-1)) throw withFailures(error, failures.slice(0, -1))
      }
    }
    throw fail('INTERNAL', 'no server was asked')
  }

  /** What a token must allow for these actions. */
  scopes({ endpoint }: Connection, ...actions: Action[]): string[] {
    const all: Action[] = this.#options.access === 'push' ? ['pull', 'push', ...actions] : actions
    return [repositoryScope(endpoint.repository, new Set(all))]
  }

  /** The repository, or something in it, as the user says it. */
  familiar(ref?: { tag?: string; digest?: string }): string {
    return familiarReference({ ...this.name, ...ref } as Parameters<typeof familiarReference>[0])
  }

  about(kind: About['kind'], name: string, writes = false): About {
    return { kind, name, writes: writes || this.#options.access === 'push' }
  }

  async #connect(): Promise<readonly Connection[]> {
    const { settings, patience, access } = this.#options
    const isPublic = access === 'pull'
    const endpoints = await settings.endpoints(this.name)
    return endpoints.map((endpoint) => {
      const credentials = () => settings.credentials(endpoint.registry, endpoint.repository)
      // there is somebody else to ask
      const tries = endpoint.isMirror ? Math.min(2, patience.tries) : patience.tries
      return new Connection(endpoint, { credentials, isPublic, patience: { ...patience, tries } })
    })
  }
}

/** The error, which also says what the mirrors answered. */
function withFailures(error: unknown, failures: readonly string[]): unknown {
  if (failures.length === 0 || !(error instanceof SlipwayError)) return error
  const { code, message, hint, data, cause } = error
  return fail(code, message, { data: { ...data, mirrors: failures }, cause, ...(hint === undefined ? {} : { hint }) })
}

/** Whether an error says that the content is not there. */
export function isMissing(error: unknown): boolean {
  return hasCode(error, 'IMAGE_NOT_FOUND', 'BLOB_NOT_FOUND')
}
