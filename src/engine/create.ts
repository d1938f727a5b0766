import path from 'node:path'
import { type ContainerMount, randomName } from '../container/index.ts'
import { fail, hasCode } from '../core/index.ts'
import { parseSignal } from '../host/index.ts'
import {
  type ContainerConfig,
  formatPlatform,
  hostPlatform,
  type ImageConfig,
  matchesPlatform,
  normalizePlatform,
  type Platform,
} from '../oci/index.ts'
import type { Store, StoredImage } from '../store/index.ts'
import type { Container, StoredRecord } from './container-record.ts'
import { findImage } from './images.ts'

/** What to make a container from; everything that is missing comes from the image. */
export interface CreateRequest {
  image: string
  name?: string
  /** Arguments after the image: they take the place of CMD. */
  command?: readonly string[]
  /** Takes the place of ENTRYPOINT, and of CMD too; `[]` resets it. */
  entrypoint?: readonly string[]
  /** `NAME=value`, on top of the image's. */
  env?: readonly string[]
  cwd?: string
  user?: string
  hostname?: string
  terminal?: boolean
  openStdin?: boolean
  network?: 'host' | 'none'
  mounts?: readonly ContainerMount[]
  /** `name=address`. */
  extraHosts?: readonly string[]
  readonlyRootfs?: boolean
  /** Bytes. */
  shmSize?: number
  labels?: Readonly<Record<string, string>>
  autoRemove?: boolean
  stopSignal?: string
  /** Of which platform the image is to be; this machine's when missing. */
  platform?: Platform
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/
const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** A container that was just made, and what its user should know about it, in Docker's words. */
export interface CreatedContainer extends Container {
  warnings: readonly string[]
}

/** Makes a container, without starting it. Fails with `IMAGE_NOT_FOUND`, `CONTAINER_INVALID`, `CONTAINER_NAME_TAKEN`. */
export function createContainer(store: Store, request: CreateRequest): CreatedContainer {
  const { image } = findImage(store, request.image)
  const { config } = imageConfig(store, image, request)
  if (request.name !== undefined && !NAME.test(request.name)) {
    throw fail(
      'CONTAINER_INVALID',
      `Invalid container name (${request.name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    )
  }
  checkProcess(request)
  const id = store.containers.newId()
  const { diff_ids: diffIds } = config.rootfs
  const record: StoredRecord = {
    ...processPart(request, config.config ?? {}, id),
    image: request.image,
    imageId: image.id,
    diffIds: [...diffIds],
    network: request.network ?? 'host',
    mounts: [...(request.mounts ?? [])],
    extraHosts: [...(request.extraHosts ?? [])],
    readonlyRootfs: request.readonlyRootfs ?? false,
    shmSize: request.shmSize ?? null,
    labels: { ...config.config?.Labels, ...request.labels },
    autoRemove: request.autoRemove ?? false,
  }
  const made = { id, imageDigest: image.descriptor.digest, record, createdAt: Date.now() }
  return { ...addUnderName(store, request.name, made), warnings: platformWarnings(config, request) }
}

/** Whoever asks for a platform knows what it is. */
function platformWarnings(config: ImageConfig, { platform }: CreateRequest): string[] {
  const host = hostPlatform()
  if (platform || matchesPlatform(host, config)) return []
  const [actual, detected] = [config, host].map((each) => formatPlatform(normalizePlatform(each)))
  return [
    `The requested image's platform (${actual}) does not match the detected host platform (${detected}) and no specific platform was requested`,
  ]
}

/** The config for the platform that is asked for. Fails with `PLATFORM_NOT_FOUND`, in Docker's words. */
function imageConfig(store: Store, image: StoredImage, request: CreateRequest): { config: ImageConfig } {
  const { platform } = request
  const found = store.images.config(image, platform)
  if (!platform || matchesPlatform(platform, found.config)) return found
  const [actual, wanted] = [found.config, platform].map((each) => formatPlatform(normalizePlatform(each)))
  const message = `image with reference ${request.image} was found but its platform (${actual}) does not match the specified platform (${wanted})`
  throw fail('PLATFORM_NOT_FOUND', message)
}

function checkProcess({ cwd = '/', stopSignal = 'SIGTERM' }: CreateRequest): void {
  if (!path.isAbsolute(cwd)) {
    throw fail('CONTAINER_INVALID', `the working directory '${cwd}' is invalid, it needs to be an absolute path`)
  }
  if (parseSignal(stopSignal) === undefined) throw fail('CONTAINER_INVALID', `invalid signal: ${stopSignal}`)
}

function addUnderName(store: Store, name: string | undefined, rest: Omit<Container, 'name'>): Container {
  for (let attempt = 0; ; attempt++) {
    const container = { ...rest, name: name ?? randomName(attempt) }
    try {
      store.containers.add(container)
      return container
    } catch (error) {
      if (name !== undefined || attempt > 20 || !hasCode(error, 'CONTAINER_NAME_TAKEN')) throw error
    }
  }
}

type ProcessPart = Pick<
  StoredRecord,
  'entrypoint' | 'command' | 'env' | 'cwd' | 'user' | 'hostname' | 'terminal' | 'openStdin' | 'stopSignal'
>

function processPart(request: CreateRequest, image: ContainerConfig, id: string): ProcessPart {
  const entrypoint = [...(request.entrypoint ?? image.Entrypoint ?? [])]
  const inherited = request.entrypoint ? [] : (image.Cmd ?? [])
  const command = request.command && request.command.length > 0 ? [...request.command] : [...inherited]
  if (entrypoint.length + command.length === 0) throw fail('CONTAINER_INVALID', 'no command specified')
  const hostname = request.hostname ?? id.slice(0, 12)
  return {
    entrypoint,
    command,
    env: mergeEnv(image.Env ?? [], request, hostname),
    cwd: request.cwd ?? (image.WorkingDir || '/'),
    user: request.user ?? image.User ?? '',
    hostname,
    terminal: request.terminal ?? false,
    openStdin: request.openStdin ?? false,
    stopSignal: request.stopSignal ?? image.StopSignal ?? 'SIGTERM',
  }
}

/** As Docker: PATH and HOSTNAME first, TERM with a terminal, then the image's and the request's, later ones winning. */
function mergeEnv(image: readonly string[], request: CreateRequest, hostname: string): string[] {
  const all = [DEFAULT_PATH, `HOSTNAME=${hostname}`, ...(request.terminal ? ['TERM=xterm'] : []), ...image]
  const merged = new Map<string, string>()
  for (const pair of [...all, ...(request.env ?? [])]) {
    const cut = pair.indexOf('=')
    if (cut < 0) merged.delete(pair)
    else merged.set(pair.slice(0, cut), pair)
  }
  return [...merged.values()]
}
