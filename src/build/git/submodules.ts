import path from 'node:path'
import { type ByteString, byteStringFromBuffer, fail, fromByteString, type Job } from '../../core/index.ts'
import { type Part, records } from './files.ts'
import { git, gitStream } from './program.ts'
import { isCommit, isRemote, withoutPassword } from './url.ts'

/** Another repository that is a folder of this one. */
export interface Submodule {
  url: string
  commit: string
  /** Where it goes, below the root of all. */
  path: ByteString
}

const LARGEST = 1 << 20

/**
 * The submodules of a part of a commit, with addresses that can be fetched. What `.gitmodules` does not know stays an
 * empty folder, and so does what it says not to update. Fails with `GIT_REFUSED` for an address that is no address.
 */
export async function submodulesOf(repository: string, part: Part & { url: string }, job: Job): Promise<Submodule[]> {
  const links: { commit: string; path: ByteString }[] = []
  const args = ['ls-tree', '-r', '-z', '--full-tree', '--end-of-options', `${part.commit}:${part.subdir}`]
  for await (const record of records(gitStream(args, { repository }, job))) {
    const match = /^160000 commit ([0-9a-f]+)\t(.*)$/s.exec(record)
    if (match && isCommit(match[1]!)) links.push({ commit: match[1]!, path: match[2] as ByteString })
  }
  if (links.length === 0) return []
  const known = await modulesOf(repository, part.commit, job)
  return links.flatMap(({ commit, path: name }) => {
    const inRepository = part.subdir === '' ? name : `${byteStringFromBuffer(Buffer.from(part.subdir))}/${name}`
    const found = known.find((module) => module.get('path') === inRepository)
    const url = found?.get('url')
    if (url === undefined || found?.get('update') === 'none') return []
    const at = part.prefix === '' ? name : (`${part.prefix}/${name}` as ByteString)
    return [{ commit, path: at, url: addressOf(url, part.url, name) }]
  })
}

type Module = Map<string, string>

/** What `.gitmodules` says, by the names it gives. */
async function modulesOf(repository: string, commit: string, job: Job): Promise<Module[]> {
  const blob = `${commit}:.gitmodules`
  const size = await git(['cat-file', '-s', '--end-of-options', blob], { repository }, job).catch(() => undefined)
  if (size === undefined) return []
  if (Number(size.toString()) > LARGEST) throw fail('GIT_REFUSED', `.gitmodules has more than ${LARGEST} bytes`)
  const listed = await git(['config', '--blob', blob, '--no-includes', '-z', '--list'], { repository }, job)
  const modules = new Map<string, Module>()
  for (const item of byteStringFromBuffer(listed).split('\0')) {
    const match = /^submodule\.(.*)\.(path|url|update)\n(.*)$/s.exec(item)
    if (!match) continue
    const module = modules.get(match[1]!) ?? new Map<string, string>()
    module.set(match[2]!, match[3]!)
    modules.set(match[1]!, module)
  }
  return [...modules.values()]
}

/** Relative ones are relative to the repository that names them. Only what goes over the network is an address. */
function addressOf(url: string, base: string, name: ByteString): string {
  const text = /^\.\.?\//.test(url) ? joined(base, url) : fromByteString(url as ByteString)
  if (isRemote(text)) return text
  const message = `submodule "${fromByteString(name)}" has the address ${withoutPassword(text)}, which is refused`
  throw fail('GIT_REFUSED', message, { hint: 'Addresses begin with https://, http://, ssh://, git:// or user@host:.' })
}

function joined(base: string, relative: string): string {
  const match = /^(\w+:\/\/[^/]+|[^@/]+@[^:/]+:)(.*)$/s.exec(base)
  if (!match) return relative
  const [, origin, folder] = match
  const isUrl = origin!.includes('://')
  const target = path.posix.join('/', folder!, fromByteString(relative as ByteString))
  return origin! + (isUrl || folder!.startsWith('/') ? target : target.slice(1))
}
