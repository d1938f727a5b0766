import { fail } from '../../core/index.ts'
import type { Store } from '../../store/index.ts'
import { isGuarded } from './access/access.ts'
import { checkExposure } from './access/exposure.ts'
import type { RegistryConfig } from './config.ts'
import { openFolder } from './folder/folder.ts'
import { limitsFrom } from './limits.ts'
import { requireListenAddress } from './listen-address.ts'
import { openLocalStorage } from './local-store/local-store.ts'
import { assembleParts, PARTS, type Part } from './parts.ts'
import { startServer } from './server.ts'
import { graceOf } from './upkeep/keepers.ts'

/** What a registry is started with. */
export interface RegistryServerOptions {
  /** The folder that everything is kept in; made when it is not there. */
  root: string
  /** Serve this store instead: the folder has what else the server keeps, and must be on the store's file system. */
  store?: Store
  /** What a configuration file would say; its `root` is not looked at. */
  config?: RegistryConfig
  /** The parts beside the protocol; all there are by default. */
  parts?: readonly Part[]
}

/** A registry that answers. */
export interface RegistryServer extends AsyncDisposable {
  /** `http://127.0.0.1:5000`. */
  readonly url: string
  /** Ends what is in flight, within the limit, and brings everything to the disk. */
  close(): Promise<void>
}

const DEFAULT_ADDRESS = '127.0.0.1:5000'
/** Milliseconds between looks for uploads that nobody goes on with. */
const SWEEP = 600_000

/**
 * Starts a registry. Without a configuration it listens on loopback, for anybody, and lets things be deleted.
 * Fails with `REGISTRY_IN_USE`, `REGISTRY_UNUSABLE`, `REGISTRY_LISTEN_FAILED` or `REGISTRY_CONFIG_INVALID`.
 */
export async function serveRegistry(options: RegistryServerOptions): Promise<RegistryServer> {
  const { root, config = {}, parts = PARTS } = options
  const { listen = DEFAULT_ADDRESS, delete: canDelete = true, tls, access } = config
  const address = requireListenAddress(listen)
  checkExposure({
    host: address.host,
    isGuarded: isGuarded(config),
    hasTls: tls !== undefined,
    isMeant: access?.insecure === true,
  })
  if (options.store && config.proxy?.upstream?.length) {
    throw fail('REGISTRY_CONFIG_INVALID', 'a registry that serves the local store cannot be a cache of others', {
      hint: 'start one without --store for [[proxy.upstream]].',
    })
  }
  await using stack = new AsyncDisposableStack()
  const storage = stack.use(
    options.store ? openLocalStorage(options.store, root) : openFolder(root, { grace: graceOf(config) }),
  )
  const limits = limitsFrom(config.limits)
  let url = ''
  const extensions = await assembleParts(
    { config, storage, database: storage.database, folder: root, url: () => url },
    parts,
  )
  stack.defer(() => extensions.close?.())
  const sweep = (): void => void storage.uploads.expire(Date.now() - limits.uploadAge)
  sweep()
  const timer = setInterval(sweep, SWEEP).unref()
  stack.defer(() => clearInterval(timer))
  const server = await startServer({ storage, limits, canDelete, extensions, tls, ...address })
  stack.defer(() => server.close())
  url = server.url
  const running = stack.move()
  const close = (): Promise<void> => running.disposeAsync()
  return { url, close, [Symbol.asyncDispose]: close }
}
