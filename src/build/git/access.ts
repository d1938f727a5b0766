import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fail, type Job } from '../../core/index.ts'
import { hostNames, oneLine } from '../http/authorization.ts'
import { fetchUrl, refuseHost } from '../http/request.ts'
import type { BuildSession } from '../session.ts'
import { keptFolder } from './kept.ts'
import type { GitCall, Setting } from './program.ts'
import { hostOf, withoutPassword } from './url.ts'

/** A remote as git is told of it: where it really is, and what opens it. */
export interface GitAccess {
  /** The address, without password and with redirects followed. */
  address: string
  /** For calls that go there. */
  call: Pick<GitCall, 'settings' | 'environment'>
}

/**
 * Prepares for talking to a remote: credentials are found (user and password of the URL, else the build's secrets
 * GIT_AUTH_HEADER and GIT_AUTH_TOKEN, each also with `.HOST`), redirects are followed, and the address is judged as that
 * of a download is. Credentials are for the host that they were given for; `allowSecrets` says whether the general ones
 * are for this host, too. Fails with `DOWNLOAD_FAILED` and `GIT_FAILED`.
 */
export async function openAccess(
  session: BuildSession,
  remote: string,
  allowSecrets: boolean,
  job: Job,
): Promise<GitAccess> {
  if (/^https?:/i.test(remote)) return httpAccess(session, remote, allowSecrets, job)
  await refuseHost(hostOf(remote).replace(/:\d+$/, ''), withoutPassword(remote))
  if (/^git:/i.test(remote)) return { address: remote, call: {} }
  return { address: remote, call: { environment: await sshEnvironment(session) } }
}

async function httpAccess(session: BuildSession, remote: string, allowSecrets: boolean, job: Job): Promise<GitAccess> {
  const url = new URL(remote)
  const authorization = authorizationFor(session, url, allowSecrets)
  url.username = ''
  url.password = ''
  const written = url.href
  const found = await followRedirects(written, authorization, job)
  const settings: Setting[] = []
  // pinned: the name must not lead elsewhere when git asks for it
  if (found.pin) settings.push(['http.curloptResolve', found.pin])
  if (authorization && new URL(found.address).host === url.host) {
    settings.push([`http.${found.address}.extraHeader`, `Authorization: ${authorization}`])
  }
  return { address: found.address, call: { settings } }
}

const SERVICE = '/info/refs?service=git-upload-pack'

/** Asks as git would, and sees where that ends: git itself would take credentials along to any place. */
async function followRedirects(
  remote: string,
  authorization: string | undefined,
  job: Job,
): Promise<{ address: string; pin: string }> {
  const asked = `${remote.replace(/\/+$/, '')}${SERVICE}`
  const options = { headers: { 'git-protocol': 'version=2' }, authorization }
  const { response, url, addresses } = await fetchUrl(asked, options, job)
  response.body.on('error', () => {}).destroy()
  const at = url.href.indexOf('/info/refs')
  if (at < 0) throw fail('GIT_FAILED', `${withoutPassword(remote)} redirects to what is no git repository: ${url.href}`)
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  const pinned = addresses.map((address) => (address.includes(':') ? `[${address}]` : address)).join(',')
  return { address: url.href.slice(0, at), pin: pinned && `${url.hostname}:${port}:${pinned}` }
}

function authorizationFor(session: BuildSession, url: URL, allowSecrets: boolean): string | undefined {
  if (url.username) {
    return basic(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)
  }
  for (const suffix of [...hostNames(url).map((host) => `.${host}`), ...(allowSecrets ? [''] : [])]) {
    const header = oneLine(`GIT_AUTH_HEADER${suffix}`, session)
    if (header !== undefined) return header
    const token = oneLine(`GIT_AUTH_TOKEN${suffix}`, session)
    if (token !== undefined) return basic(`x-access-token:${token}`)
  }
  return undefined
}

const basic = (pair: string): string => `basic ${Buffer.from(pair).toString('base64')}`

/**
 * The build's agent and nothing else of the user's: neither keys nor settings. Hosts are believed when they are first
 * met, and must stay the same from then on.
 */
async function sshEnvironment(session: BuildSession): Promise<Record<string, string>> {
  const agent = await session.agentSocket('default')
  const folder = keptFolder(session.store.layout)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const options = [
    'BatchMode=yes',
    'ConnectTimeout=30',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
    'StrictHostKeyChecking=accept-new',
    `UserKnownHostsFile=${quoted(path.join(folder, 'known_hosts'))}`,
    'IdentityFile=none',
    `IdentityAgent=${agent === undefined ? 'none' : quoted(agent)}`,
    'ForwardAgent=no',
    'PermitLocalCommand=no',
    'ProxyCommand=none',
  ]
  const words = ['ssh', '-F', '/dev/null', ...options.flatMap((option) => ['-o', shellWord(option)])]
  return { GIT_SSH_COMMAND: words.join(' '), GIT_SSH_VARIANT: 'ssh' }
}

const quoted = (file: string): string => `"${file.replaceAll('%', '%%')}"`
const shellWord = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
