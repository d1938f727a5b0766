import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Build, Ending } from './case.ts'

type Environment = Record<string, string | undefined>

/** How a command ended, and what it said. */
export interface CommandEnd {
  exitCode: number
  stdout: string
  stderr: string
}

/** A Docker of our own: its daemon, its images, nothing of the machine's. */
export class Docker implements AsyncDisposable {
  readonly #environment: Environment
  readonly #stop: () => Promise<void>

  private constructor(environment: Environment, stop: () => Promise<void>) {
    this.#environment = environment
    this.#stop = stop
  }

  /**
   * Starts a daemon that keeps everything in `folder`. `where` is a folder with Docker's programs somewhere below, or a
   * program that is called as `PROGRAM FOLDER start|stop` and prints `export NAME=value` lines, or `auto` for the
   * programs of this machine. Fails when there are none, or the daemon does not answer.
   */
  static async start(where: string, folder: string): Promise<Docker> {
    mkdirSync(folder, { recursive: true })
    if (where !== 'auto' && statSync(where).isFile()) return Docker.#ofProgram(where, folder)
    const environment = prepareEnvironment(where, folder)
    const daemon = startDaemon(environment, folder)
    const docker = new Docker(environment, () => stopProcess(daemon))
    try {
      await docker.#untilItAnswers(daemon, path.join(folder, 'log'))
      return docker
    } catch (error) {
      await docker[Symbol.asyncDispose]()
      throw error
    }
  }

  static async #ofProgram(program: string, folder: string): Promise<Docker> {
    const { stdout } = await run(program, [folder, 'start'], process.env)
    const pairs = [...stdout.matchAll(/\b([A-Z_]+)=(\S+)/g)].map(([, name, value]) => [name, value] as const)
    const expanded = pairs.map(([name, value]) => [name, value!.replace('$PATH', process.env['PATH'] ?? '')])
    const environment = { ...process.env, ...Object.fromEntries(expanded) }
    return new Docker(environment, async () => void (await run(program, [folder, 'stop'], process.env)))
  }

  async #untilItAnswers(daemon: ChildProcess, log: string): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if (daemon.exitCode !== null || daemon.pid === undefined) break
      const answer = await this.#docker(['version']).catch(() => undefined)
      if (answer) return
      await sleep(200)
    }
    throw new Error(`dockerd does not start: ${readFileSync(log, 'utf8').trim().split('\n').at(-1) ?? ''}`)
  }

  /** Version of the daemon. */
  async version(): Promise<string> {
    const { stdout } = await this.#docker(['version', '--format', '{{.Server.Version}}'])
    return stdout.trim()
  }

  async build(build: Build, folder: string, tag: string): Promise<Ending> {
    const args = ['build', '--progress=plain', `--network=${build.network}`, '--provenance=false', '-t', tag]
    args.push('-f', path.join(folder, build.dockerfileName))
    for (const [name, value] of Object.entries(build.buildArgs)) args.push('--build-arg', `${name}=${value}`)
    for (const [name, value] of Object.entries(build.labels)) args.push('--label', `${name}=${value}`)
    if (build.target !== undefined) args.push('--target', build.target)
    try {
      await this.#docker([...args, folder])
      return { ok: true }
    } catch (error) {
      return { ok: false, message: lastError(String((error as { stderr?: unknown }).stderr ?? error)) }
    }
  }

  async save(tag: string, file: string): Promise<void> {
    await this.#docker(['save', '-o', file, tag])
  }

  async load(file: string): Promise<void> {
    await this.#docker(['load', '-i', file])
  }

  async tag(image: string, name: string): Promise<void> {
    await this.#docker(['tag', image, name])
  }

  async remove(tag: string): Promise<void> {
    await this.#docker(['rmi', '-f', tag])
  }

  /** Runs `docker ARGS`, however it ends. */
  command(args: readonly string[], { cwd, stdin }: { cwd?: string; stdin?: Buffer } = {}): Promise<CommandEnd> {
    return new Promise((resolve) => {
      const options = { env: this.#environment, cwd, maxBuffer: 1 << 26, timeout: 300_000 }
      const child = execFile('docker', args, options, (error, stdout, stderr) => {
        const exitCode = error === null ? 0 : typeof error.code === 'number' ? error.code : 255
        resolve({ exitCode, stdout, stderr })
      })
      child.stdin?.on('error', () => {}).end(stdin)
    })
  }

  #docker(args: string[]): Promise<{ stdout: string; stderr: string }> {
    return run('docker', args, this.#environment)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop()
  }
}

function run(program: string, args: string[], env: Environment): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { env, maxBuffer: 1 << 26, timeout: 300_000 }, (error, stdout, stderr) => {
      if (error) reject(Object.assign(error, { stderr }))
      else resolve({ stdout, stderr })
    })
  })
}

/** Where programs are found, and a configuration of its own with buildx as the plugin. */
function prepareEnvironment(where: string, folder: string): Environment {
  const below = ['', 'bin', 'usr/bin', 'usr/sbin', 'tree/usr/bin', 'tree/usr/sbin']
  const folders = where === 'auto' ? [] : below.map((name) => path.resolve(where, name)).filter(existsSync)
  const search = [...folders, ...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin']
  for (const program of ['dockerd', 'docker']) {
    if (!search.some((place) => existsSync(path.join(place, program)))) throw new Error(`there is no ${program}`)
  }
  const config = path.join(folder, 'config')
  mkdirSync(path.join(config, 'cli-plugins'), { recursive: true })
  const plugin = ['config', 'usr/libexec/docker', 'tree/usr/libexec/docker']
    .map((name) => path.resolve(where, name, 'cli-plugins/docker-buildx'))
    .find(existsSync)
  const link = path.join(config, 'cli-plugins/docker-buildx')
  if (plugin && !existsSync(link)) symlinkSync(plugin, link)
  writeFileSync(path.join(config, 'config.json'), '{}')
  return {
    ...process.env,
    PATH: search.join(':'),
    DOCKER_HOST: `unix://${folder}/docker.sock`,
    DOCKER_CONFIG: config,
    DOCKER_BUILDKIT: '1',
  }
}

function startDaemon(env: Environment, folder: string): ChildProcess {
  const settings = path.join(folder, 'daemon.json')
  writeFileSync(settings, JSON.stringify({ features: { 'containerd-snapshotter': true } }))
  const log = path.join(folder, 'log')
  const args = ['--iptables=false', '--ip6tables=false', '--bridge=none', '--config-file', settings]
  args.push('--data-root', path.join(folder, 'root'), '--exec-root', path.join(folder, 'exec'))
  args.push('-H', `unix://${folder}/docker.sock`, '--pidfile', path.join(folder, 'pid'))
  const command = 'log=$1; shift; exec dockerd "$@" >"$log" 2>&1'
  return spawn('sh', ['-c', command, 'sh', log, ...args], { env, stdio: 'ignore', detached: true })
}

async function stopProcess(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.pid === undefined) return
  const ended = new Promise((resolve) => daemon.once('exit', resolve))
  daemon.kill('SIGTERM')
  await Promise.race([ended, sleep(20_000, undefined, { ref: false })])
}

/** The message that the build ended with, without the wrapping that every message has. */
function lastError(output: string): string {
  const found = output.split(/^ERROR: /m).at(-1) ?? output
  return found
    .trim()
    .replace(/^failed to build: /, '')
    .replace(/^failed to solve: /, '')
}
