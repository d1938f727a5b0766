import { familiarReference, type Platform, parseReference } from '../oci/index.ts'
import type { Store } from '../store/index.ts'
import { type Container, containerPaths, containerState, findContainer } from './container-record.ts'
import { findImage } from './images.ts'

/** An object in the form and order that `docker inspect` prints. */
export type Inspection = Record<string, unknown>

// what Docker's clients take for "never"
const NEVER = '0001-01-01T00:00:00Z'

/** An image as `docker image inspect` shows it. Fails with `IMAGE_NOT_FOUND`. */
export function inspectImage(store: Store, text: string, platform?: Platform): Inspection {
  const { image } = findImage(store, text)
  const { config, digest } = store.images.config(image, platform)
  const same = store.images.withId(image.id)
  const short = (names: string[]): string[] => names.map((name) => familiarReference(parseReference(name)))
  return {
    Id: digest,
    // the same image may be here with layers that are packed otherwise, as they are in a registry
    RepoTags: short(same.flatMap((each) => each.names).sort()),
    RepoDigests: short(same.flatMap((each) => each.digests).sort()),
    Parent: '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? NEVER,
    DockerVersion: '',
    Author: config.author ?? '',
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: image.summary.contentBytes,
    GraphDriver: { Data: null, Name: 'slipway' },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: image.taggedAt === undefined ? NEVER : new Date(image.taggedAt).toISOString() },
    Descriptor: image.descriptor,
    Config: sorted({
      Cmd: null,
      Entrypoint: null,
      Env: null,
      Labels: null,
      OnBuild: null,
      User: '',
      Volumes: null,
      WorkingDir: '',
      ...config.config,
    }),
  }
}

function sorted(value: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** A container as `docker inspect` shows it, as far as this version has what it tells. Fails with `CONTAINER_NOT_FOUND`. */
export function inspectContainer(store: Store, text: string): Inspection {
  const container = findContainer(store, text)
  const { id, name, record, createdAt } = container
  const paths = containerPaths(store, id)
  const [program = '', ...args] = [...record.entrypoint, ...record.command]
  return {
    Id: id,
    Created: new Date(createdAt).toISOString(),
    Path: program,
    Args: args,
    State: stateOf(store, container),
    Image: record.imageId,
    HostnamePath: `${paths.folder}/hostname`,
    HostsPath: `${paths.folder}/hosts`,
    ResolvConfPath: `${paths.folder}/resolv.conf`,
    LogPath: paths.log,
    Name: `/${name}`,
    RestartCount: 0,
    Driver: 'slipway',
    Platform: 'linux',
    HostConfig: {
      Binds: record.mounts
        .filter((mount) => mount.type === 'bind')
        .map((mount) => `${mount.source}:${mount.target}${mount.readonly ? ':ro' : ''}`),
      NetworkMode: record.network,
      AutoRemove: record.autoRemove,
      ReadonlyRootfs: record.readonlyRootfs,
      ExtraHosts: record.extraHosts.map((pair) => pair.replace('=', ':')),
      ShmSize: record.shmSize ?? 64 << 20,
    },
    Mounts: record.mounts.map(({ type, source, target, readonly }) => ({
      Type: type,
      Source: source ?? '',
      Destination: target,
      Mode: '',
      RW: !readonly,
      Propagation: type === 'bind' ? 'rprivate' : '',
    })),
    Config: {
      Hostname: record.hostname,
      User: record.user,
      Tty: record.terminal,
      OpenStdin: record.openStdin,
      Env: record.env,
      Cmd: record.command,
      Image: record.image,
      WorkingDir: record.cwd,
      Entrypoint: record.entrypoint.length > 0 ? record.entrypoint : null,
      Labels: record.labels,
      StopSignal: record.stopSignal,
    },
  }
}

function stateOf(store: Store, container: Container): Inspection {
  const { status, pid = 0, exitCode = 0, startedAt, finishedAt } = containerState(store, container)
  return {
    Status: status,
    Running: status === 'running',
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: pid,
    ExitCode: exitCode,
    Error: '',
    StartedAt: startedAt?.toISOString() ?? NEVER,
    FinishedAt: finishedAt?.toISOString() ?? NEVER,
  }
}
