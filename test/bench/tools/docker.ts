import { execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CommandLine, runQuietly } from '../measure.ts'
import { listProcesses } from '../processes.ts'
import { inTurn, removeStore, type Tool } from './tool.ts'

// where a package puts its programs, when it is unpacked below a folder of its own
const PLACES = ['', 'usr/bin', 'usr/sbin', 'usr/libexec/docker/cli-plugins', 'usr/local/bin']
const START_PATIENCE = 30_000

/**
 * A Docker of its own: the daemon whose programs lie in or below `programs` (empty: the machine's) is started privately,
 * below `folder`. The client and buildx may come from another of `all` when this one has none: the API is the same.
 */
export async function openDocker(folder: string, programs: string, all: readonly string[]): Promise<Tool> {
  const at = path.join(folder, programs === '' ? 'docker' : `docker-${path.basename(path.resolve(programs))}`)
  const find = (name: string): string | undefined => [programs, '', ...all].flatMap((where) => findIn(where, name))[0]
  const dockerd = findIn(programs, 'dockerd')[0]
  const client = find('docker')
  const buildx = find('docker-buildx')
  if (!dockerd || !client) throw new Error('dockerd or docker not found')
  removeStore(at) // of a run that was killed
  mkdirSync(path.join(at, 'config/cli-plugins'), { recursive: true })
  if (buildx) symlinkSync(buildx, path.join(at, 'config/cli-plugins/docker-buildx'))
  writeFileSync(path.join(at, 'config/config.json'), '{}')
  const socket = `unix://${at}/docker.sock`
  const daemon = await startDaemon(dockerd, at, socket)
  const docker = (...args: string[]): CommandLine => ({
    argv: [client, ...args],
    env: { DOCKER_HOST: socket, DOCKER_CONFIG: path.join(at, 'config'), DOCKER_BUILDKIT: '1' },
  })
  const version = execFileSync(dockerd, ['--version'], { encoding: 'utf8' })
  return {
    name: `Docker ${/version ([\d.]+)/.exec(version)?.[1]}`,
    daemons: [daemon],
    build: (context, image, { fresh } = {}) =>
      docker('build', '-t', image, '--network=host', ...(fresh ? ['--no-cache'] : []), context),
    load: (archive) => docker('load', '-i', archive),
    save: (image, archive) => docker('save', '-o', archive, image),
    run: (image, args) => docker('run', '--rm', '--network=host', image, ...args),
    pull: (image) => inTurn(docker('pull', image), docker('run', '--rm', '--network=host', image, 'true')),
    tag: (image, name) => docker('tag', image, name),
    push: (_image, name) => docker('push', name),
    listImages: () => docker('images'),
    version: () => docker('version'),
    async reset() {
      await runQuietly(docker('system', 'prune', '--all', '--force', '--volumes'))
      await runQuietly(docker('builder', 'prune', '--all', '--force'))
    },
    async close() {
      await stop(daemon)
      removeStore(at)
    },
  }
}

async function startDaemon(dockerd: string, at: string, socket: string): Promise<number> {
  rmSync(path.join(at, 'pid'), { force: true })
  const args = ['--iptables=false', '--ip6tables=false', '--data-root', `${at}/root`, '--exec-root', `${at}/exec`]
  const fd = openSync(path.join(at, 'log'), 'w')
  const child = spawn(dockerd, [...args, '-H', socket, '--pidfile', `${at}/pid`], {
    stdio: ['ignore', fd, fd],
    env: {
      ...process.env,
      PATH: `${path.dirname(dockerd)}:${path.resolve(dockerd, '../../bin')}:${process.env['PATH']}`,
    },
    detached: true,
  })
  closeSync(fd)
  child.unref()
  const log = path.join(at, 'log')
  const failed = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(existsSync(log) ? readFileSync(log, 'utf8').slice(-1000) : 'ended')))
  })
  failed.catch(() => {})
  for (let waited = 0; !existsSync(path.join(at, 'docker.sock')); waited += 50) {
    if (waited > START_PATIENCE) throw new Error('dockerd did not start')
    await Promise.race([sleep(50), failed])
  }
  return child.pid!
}

async function stop(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM')
  while (listProcesses().some((each) => each.pid === pid && each.state !== 'Z')) await sleep(50)
}

function findIn(programs: string, name: string): string[] {
  const folders =
    programs === '' ? (process.env['PATH'] ?? '').split(':') : PLACES.map((place) => path.resolve(programs, place))
  return [...folders, ...(programs === '' ? ['/usr/sbin', '/usr/libexec/docker/cli-plugins'] : [])]
    .map((folder) => path.join(folder, name))
    .filter((file) => existsSync(file))
}
