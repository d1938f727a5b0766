import { Pace } from './http/pace.ts'

/** What this process knows about a server that it asks: who it is does not depend on the repository. */
export interface Host {
  /** Small questions, whose answers are read at once. */
  readonly questions: Pace
  /** Blobs on their way here. They wait only for one another: whoever reads one slowly may ask other things meanwhile. */
  readonly downloads: Pace
  readonly uploads: Pace
  /** What it was found to speak. */
  scheme: 'https' | 'http' | undefined
  /** Whether it takes a small blob with the request that opens an upload (distribution spec, "Single POST"). */
  takesSinglePost: boolean | undefined
}

const MOST_HOSTS = 1000
const hosts = new Map<string, Host>()

/** The one record of a server, by its origin. */
export function hostOf({ origin }: URL): Host {
  let host = hosts.get(origin)
  if (!host) {
    if (hosts.size >= MOST_HOSTS) hosts.clear()
    host = {
      questions: new Pace(6),
      downloads: new Pace(6),
      uploads: new Pace(4),
      scheme: undefined,
      takesSinglePost: undefined,
    }
    hosts.set(origin, host)
  }
  return host
}
