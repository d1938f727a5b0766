import { homedir } from 'node:os'
import path from 'node:path'

/** Where settings are looked for, and what the command line adds to them. */
export interface SettingsOptions {
  env?: NodeJS.ProcessEnv
  /** The user's folder. */
  home?: string
  /** In place of `/etc`. */
  etc?: string
  /** Registries, or all of them, whose certificates are not verified and which may speak plain HTTP. */
  insecure?: boolean | readonly string[]
}

/** The files and folders that may say something about registries; the first of a list counts most. */
export interface Places {
  /** Docker's config.json, which `login` writes. */
  dockerConfig: string
  /** The files of podman and buildah that hold credentials. */
  authFiles: readonly string[]
  /** Docker's daemon.json. */
  daemon: readonly string[]
  /** Folders with a folder for each registry, which has a `hosts.toml`. */
  hosts: readonly string[]
  /** Folders with a folder for each registry, which has certificates. */
  certificates: readonly string[]
  /** registries.conf: the first one that is there. */
  registries: readonly string[]
  /** Folders of files that are added to registries.conf. */
  registriesDropIns: readonly string[]
}

/** The places of one user. */
export function placesOf(options: SettingsOptions): Places {
  const { env = process.env, etc = '/etc' } = options
  const home = options.home ?? (env['HOME'] || homedir())
  const config = env['XDG_CONFIG_HOME'] || path.join(home, '.config')
  const named = (...paths: (string | undefined)[]): string[] =>
    paths.filter((each) => each !== undefined && each !== '') as string[]
  const runtime = env['XDG_RUNTIME_DIR']
  return {
    dockerConfig: path.join(env['DOCKER_CONFIG'] || path.join(home, '.docker'), 'config.json'),
    authFiles: named(
      env['REGISTRY_AUTH_FILE'],
      runtime && path.join(runtime, 'containers/auth.json'),
      path.join(config, 'containers/auth.json'),
    ),
    daemon: [path.join(config, 'docker/daemon.json'), path.join(etc, 'docker/daemon.json')],
    hosts: ['containerd', 'docker'].flatMap((tool) => [
      path.join(config, tool, 'certs.d'),
      path.join(etc, tool, 'certs.d'),
    ]),
    certificates: [config, etc].flatMap((folder) => [
      path.join(folder, 'docker/certs.d'),
      path.join(folder, 'containers/certs.d'),
    ]),
    registries: named(env['CONTAINERS_REGISTRIES_CONF']).concat(
      path.join(config, 'containers/registries.conf'),
      path.join(etc, 'containers/registries.conf'),
    ),
    registriesDropIns: [
      path.join(etc, 'containers/registries.conf.d'),
      path.join(config, 'containers/registries.conf.d'),
    ],
  }
}
