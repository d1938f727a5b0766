import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

/** Programs of one version of Docker. */
export interface DockerPrograms {
  readonly about: string
  readonly docker: string
  readonly dockerd: string
  /** Where dockerd finds containerd. */
  readonly path: string
  readonly major: number
}

/** A dockerd of the test's own, which shares nothing with another one on the machine. */
export interface Docker extends AsyncDisposable {
  /** `docker ARGV`; answers with what it printed. Fails with what it said when it does not succeed. */
  (...argv: string[]): Promise<string>
  /** The same with something at standard input. */
  with(stdin: Buffer | string, ...argv: string[]): Promise<string>
}

const run = promisify(execFile)
const REPOSITORY = path.resolve(import.meta.dirname, '../../..')

/**
 * The versions of Docker that are here: the installed one or the one that `scripts/setup.sh test` unpacked, and the
 * one whose programs are in the folder `SLIPWAY_TEST_DOCKER_BIN`.
 */
export function findDockers(): DockerPrograms[] {
  const trees = ['/usr', path.join(REPOSITORY, 'dist/docker/usr')]
  const usual = trees.map((tree) => programsIn([path.join(tree, 'sbin'), path.join(tree, 'bin')]))
  const named = process.env['SLIPWAY_TEST_DOCKER_BIN']
  return [usual.find((each) => each !== undefined), named ? programsIn([named]) : undefined].filter(
    (each) => each !== undefined,
  )
}

function programsIn(folders: readonly string[]): DockerPrograms | undefined {
  const found = ['docker', 'dockerd', 'containerd'].map((name) =>
    folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file)),
  )
  const [docker, dockerd, containerd] = found
  if (!docker || !dockerd || !containerd) return undefined
  const version = /version (\d+)\.[\d.]+/.exec(execFileSync(dockerd, ['--version'], { encoding: 'utf8' }))
  if (!version) return undefined
  const search = [...folders, '/usr/sbin', '/usr/bin', '/sbin', '/bin'].join(':')
  return { about: `Docker ${version[0].slice(8)}`, docker, dockerd, path: search, major: Number(version[1]) }
}

/** How a daemon is started. */
export interface DockerOptions {
  /** Certificates of authorities to trust; read once. */
  readonly certificates: readonly string[]
  /** Keep images in containerd, which newer versions can. */
  readonly containerd?: boolean
}

/**
 * Starts a daemon that can load, pull and push. Its socket, data and configuration are in a folder of its own, its
 * mounts in a namespace of its own; the authorities it trusts are told by its environment, so that nothing in /etc
 * changes. It is killed with the process that started it.
 */
export async function startDocker(programs: DockerPrograms, options: DockerOptions): Promise<Docker> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-docker-'))
  const host = `unix://${path.join(folder, 'docker.sock')}`
  const trust = path.join(folder, 'trusted.pem')
  writeFileSync(trust, Buffer.concat(options.certificates.map((file) => readFileSync(file))))
  const env = { PATH: programs.path, HOME: folder, DOCKER_CONFIG: path.join(folder, 'config'), SSL_CERT_FILE: trust }
  const daemon = startDaemon(programs, folder, { host, env, containerd: options.containerd ?? false })
  const stop = async (): Promise<void> => {
    await kill(daemon)
    rmSync(folder, { recursive: true, force: true })
  }
  const call = async (stdin: Buffer | string, argv: readonly string[]): Promise<string> => {
    const running = run(programs.docker, ['-H', host, ...argv], { env, timeout: 50_000 })
    running.child.stdin?.on('error', () => {}).end(stdin)
    return (await running).stdout
  }
  const docker = Object.assign((...argv: string[]): Promise<string> => call('', argv), {
    with: (stdin: Buffer | string, ...argv: string[]): Promise<string> => call(stdin, argv),
    [Symbol.asyncDispose]: stop,
  })
  try {
    await waitFor(docker, daemon, path.join(folder, 'log'))
  } catch (error) {
    await stop()
    throw error
  }
  return docker
}

function startDaemon(
  { dockerd, major }: DockerPrograms,
  folder: string,
  { host, env, containerd }: { host: string; env: NodeJS.ProcessEnv; containerd: boolean },
): ChildProcess {
  const at = (name: string): string => path.join(folder, name)
  mkdirSync(at('config'))
  // without a place for its key, old versions put one into /etc/docker
  const key = major < 24 ? { 'deprecated-key-path': at('key.json') } : {}
  const features = containerd ? { features: { 'containerd-snapshotter': true } } : {}
  writeFileSync(at('daemon.json'), JSON.stringify({ ...key, ...features }))
  const places = ['--config-file', at('daemon.json'), '--data-root', at('data'), '--exec-root', at('exec')]
  const network = ['--iptables=false', '--ip6tables=false', '--bridge=none']
  const storage = containerd ? [] : ['--storage-driver', 'vfs']
  const guarded = ['--pdeathsig', 'KILL', 'unshare', '--mount', '--propagation', 'private', dockerd]
  const log = openSync(at('log'), 'a')
  const argv = [...guarded, ...places, ...network, ...storage, '-H', host, '--pidfile', at('pid')]
  const child = spawn('setpriv', argv, { env, stdio: ['ignore', log, log] })
  closeSync(log)
  return child
}

async function waitFor(docker: Docker, daemon: ChildProcess, log: string): Promise<void> {
  for (let tries = 0; tries < 200 && daemon.exitCode === null && daemon.signalCode === null; tries++) {
    const isReady = await docker('version').then(
      () => true,
      () => false,
    )
    if (isReady) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`dockerd does not answer: ${readFileSync(log, 'utf8').slice(-2000)}`)
}

/** Asks it to end, and after ten seconds does not ask any more; its containerd ends with it. */
async function kill(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return
  const ended = new Promise((resolve) => daemon.once('exit', resolve))
  daemon.kill('SIGTERM')
  const timer = setTimeout(() => daemon.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(timer)
}
