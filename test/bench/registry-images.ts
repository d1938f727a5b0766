import path from 'node:path'
import type { ImageArchive, Inputs } from './inputs.ts'
import { runQuietly } from './measure.ts'
import { dockerRegistry, startServer } from './registry/servers.ts'
import type { Workload } from './workloads.ts'

/** A registry that all tools push to and pull from: Debian's docker-registry. */
export interface BenchRegistry {
  /** Where it listens: `127.0.0.1:PORT`. */
  readonly host: string
  /** Puts another one in its place, with nothing in it, on another port: tools remember what they sent where. */
  renew(): Promise<void>
  /** Ends it and removes its data. */
  stop(): Promise<void>
}

/** Starts a registry with its data below `folder`. */
export async function openRegistry(folder: string): Promise<BenchRegistry> {
  const at = path.join(folder, 'registry')
  let server = await startServer(dockerRegistry, at)
  return {
    get host() {
      return `127.0.0.1:${server.port}`
    },
    async renew() {
      await server.stop()
      server = await startServer(dockerRegistry, at)
    },
    stop: () => server.stop(),
  }
}

/** Workloads of images that travel. */
export function overRegistry(inputs: Inputs, registry: BenchRegistry): Record<string, () => Workload | undefined> {
  const debian = (): ImageArchive | undefined => inputs.debianImage()
  const many = (): ImageArchive | undefined => inputs.manyFilesToRun(50_000)
  const each = (make: typeof pull, what: string, image: () => ImageArchive | undefined) => () => {
    const archive = image()
    return archive && make(what, archive, registry)
  }
  return {
    'pull-debian': each(pull, 'Debian', debian),
    'pull-many': each(pull, '50,000 files', many),
    'push-debian': each(push, 'Debian', debian),
    'push-many': each(push, '50,000 files', many),
  }
}

/** The image is put into the registry by skopeo, which compresses its layer. */
function pull(what: string, { file, image }: ImageArchive, registry: BenchRegistry): Workload {
  const nameNow = (): string => `${registry.host}/${image}`
  let there: string | undefined
  return {
    title: `pull of ${what}, ready to run`,
    async before(tool) {
      await tool.reset()
      const name = nameNow()
      if (there === name) return
      const source = ['skopeo', '--insecure-policy', 'copy', '--dest-tls-verify=false', `docker-archive:${file}`]
      await runQuietly({ argv: [...source, `docker://${name}`] })
      there = name
    },
    command: (tool) => tool.pull?.(nameNow()),
  }
}

/** Each time to an empty registry, from a store that has not compressed the image yet. */
function push(what: string, { file, image }: ImageArchive, registry: BenchRegistry): Workload {
  const nameNow = (): string => `${registry.host}/${image}`
  return {
    title: `push of ${what}`,
    async before(tool) {
      await registry.renew()
      await tool.reset()
      if (tool.load) await runQuietly(tool.load(file))
      const tagging = tool.tag?.(image, nameNow())
      if (tagging) await runQuietly(tagging)
    },
    command: (tool) => tool.push?.(image, nameNow()),
  }
}
