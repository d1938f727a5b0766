import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { type CommandLine, runQuietly } from '../measure.ts'
import { inTurn, removeStore, type Tool } from './tool.ts'

/** A store in the form that podman, buildah and skopeo share. */
function storeBelow(folder: string): { root: string; runroot: string; flags: string[] } {
  const [root, runroot] = [path.join(folder, 'root'), path.join(folder, 'run')]
  mkdirSync(folder, { recursive: true })
  return { root, runroot, flags: ['--root', root, '--runroot', runroot, '--storage-driver', 'overlay'] }
}

// crun does not start where cgroup v1 and v2 are mounted side by side
const RUNTIME = existsSync('/sys/fs/cgroup/unified') ? ['--runtime', 'runc'] : []

const versionOf = (program: string): string =>
  /version ([\d.]+)/.exec(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.[1] ?? ''

// it would raise them, which not every machine allows
const LIMITS = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']

/** Podman. It builds by buildah's code, so buildah alone is measured with builds. */
export async function openPodman(folder: string): Promise<Tool> {
  const at = path.join(folder, 'podman')
  const { flags } = storeBelow(at)
  const podman = (...args: string[]): CommandLine => ({ argv: ['podman', ...flags, ...RUNTIME, ...args] })
  return {
    name: `podman ${versionOf('podman')}`,
    daemons: [],
    load: (archive) => podman('load', '-i', archive),
    save: (image, archive) => podman('save', '--format', 'docker-archive', '-o', archive, image),
    run: (image, args) => podman('run', '--rm', '--network=host', ...LIMITS, image, ...args),
    pull: (image) =>
      inTurn(
        podman('pull', '--tls-verify=false', image),
        podman('run', '--rm', '--network=host', ...LIMITS, image, 'true'),
      ),
    push: (image, name) => podman('push', '--tls-verify=false', image, `docker://${name}`),
    listImages: () => podman('images'),
    version: () => podman('version'),
    reset: () => runQuietly(podman('rmi', '--all', '--force')),
    close: async () => removeStore(at),
  }
}

/** Buildah, with its cache on, as `podman build` has it. */
export async function openBuildah(folder: string): Promise<Tool> {
  const at = path.join(folder, 'buildah')
  const { flags } = storeBelow(at)
  const buildah = (...args: string[]): CommandLine => ({ argv: ['buildah', ...flags, ...args] })
  return {
    name: `buildah ${versionOf('buildah')}`,
    daemons: [],
    build: (context, image, { fresh } = {}) =>
      buildah(
        'build',
        '--layers',
        ...RUNTIME,
        '-t',
        image,
        '--network=host',
        ...(fresh ? ['--no-cache'] : []),
        context,
      ),
    load: (archive) => buildah('pull', `docker-archive:${archive}`),
    listImages: () => buildah('images'),
    version: () => buildah('version'),
    reset: () => runQuietly(buildah('rmi', '--all', '--force')),
    close: async () => removeStore(at),
  }
}

/** Skopeo, copying to and from a store that podman could run from. */
export async function openSkopeo(folder: string): Promise<Tool> {
  const at = path.join(folder, 'skopeo')
  const { root, runroot } = storeBelow(at)
  const stored = `containers-storage:[overlay@${root}+${runroot}]`
  const skopeo = (...args: string[]): CommandLine => ({ argv: ['skopeo', '--insecure-policy', ...args] })
  return {
    name: `skopeo ${versionOf('skopeo')}`,
    daemons: [],
    load: (archive) => skopeo('copy', `docker-archive:${archive}`, `${stored}${imageIn(archive)}`),
    pull: (image) => skopeo('copy', '--src-tls-verify=false', `docker://${image}`, `${stored}${image}`),
    push: (image, name) => skopeo('copy', '--dest-tls-verify=false', `${stored}${image}`, `docker://${name}`),
    save: (image, archive) => skopeo('copy', `${stored}${image}`, `docker-archive:${archive}:${image}`),
    version: () => skopeo('--version'),
    reset: async () => removeStore(at),
    close: async () => removeStore(at),
  }
}

/** The name that an archive of ours gives its image. */
function imageIn(archive: string): string {
  const text = execFileSync('tar', ['-xOf', archive, 'manifest.json'], { encoding: 'utf8' })
  return (JSON.parse(text) as [{ RepoTags: [string] }])[0].RepoTags[0]
}

/** Umoci, unpacking an image from an OCI layout. Making the layout from the archive, by skopeo, is part of it. */
export async function openUmoci(folder: string): Promise<Tool> {
  const at = path.join(folder, 'umoci')
  const reset = async (): Promise<void> => {
    removeStore(at)
    mkdirSync(at, { recursive: true })
  }
  await reset()
  const copy = 'skopeo --insecure-policy copy --dest-decompress "docker-archive:$0" "oci:$1/layout:image"'
  const fetch = 'skopeo --insecure-policy copy --src-tls-verify=false "docker://$0" "oci:$1/layout:image"'
  const unpack = 'umoci unpack --image "$1/layout:image" "$1/bundle"'
  return {
    name: `skopeo + umoci ${versionOf('umoci')}`,
    daemons: [],
    load: (archive) => ({ argv: ['sh', '-c', `${copy} && ${unpack}`, archive, at] }),
    pull: (image) => ({ argv: ['sh', '-c', `${fetch} && ${unpack}`, image, at] }),
    version: () => ({ argv: ['umoci', '--version'] }),
    reset,
    close: async () => removeStore(at),
  }
}
