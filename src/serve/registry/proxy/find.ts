import type { Action } from '../extensions.ts'
import { refuse } from '../failure.ts'
import type { Upstream } from './upstream.ts'

/** What a request says about which repository it means. */
export interface Asked {
  /** As it stands in the path. */
  readonly repository: string
  /** The registry that the client thinks of, when it says so: `ns` of its query. */
  readonly namespace: string | undefined
  /** The host that the client asks. */
  readonly host: string | undefined
  readonly action: Action
}

/** A repository of an upstream, by its name there. */
export interface Located {
  readonly upstream: Upstream
  readonly path: string
}

const MOST_NAME = 255

/**
 * Which upstream has the truth of a repository: the one that the query names, else the one with this prefix, else the
 * default one, for what is not here. Refuses what must not be answered from here: another registry's content.
 */
export function findUpstream(all: readonly Upstream[], asked: Asked, isHere: () => boolean): Located | undefined {
  const { repository, namespace, host, action } = asked
  if (namespace !== undefined && namespace !== host) return located(byNamespace(all, namespace), repository)
  const byPrefix = all.find(({ prefix }) => repository.startsWith(`${prefix}/`))
  if (byPrefix) return located(byPrefix, repository.slice(byPrefix.prefix.length + 1))
  const byDefault = action === 'pull' ? all.find(({ config }) => config.default) : undefined
  return byDefault && !isHere() ? located(byDefault, repository) : undefined
}

/** What a repository of an upstream is called here. Fails with `NAME_INVALID`. */
export function localName({ upstream, path }: Located): string {
  const name = `${upstream.prefix}/${path}`
  if (name.length <= MOST_NAME) return name
  throw refuse('NAME_INVALID', `the name of a repository has at most ${MOST_NAME} characters`)
}

function byNamespace(all: readonly Upstream[], namespace: string): Upstream {
  const found = all.find(({ name }) => name === registryName(namespace))
  if (found) return found
  const name = namespace.slice(0, MOST_NAME)
  throw refuse('NAME_UNKNOWN', 'this registry does not answer for another one', { detail: { ns: name } })
}

/** Docker Hub has several addresses, and keeps official images in `library`. */
function registryName(namespace: string): string {
  return /^(?:index|registry-1)\.docker\.io$/.test(namespace) ? 'docker.io' : namespace
}

function located(upstream: Upstream, repository: string): Located {
  const isOfficial = upstream.name === 'docker.io' && !repository.includes('/')
  return { upstream, path: isOfficial ? `library/${repository}` : repository }
}
