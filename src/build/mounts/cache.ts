import { chmodSync, chownSync, lstatSync, readdirSync, renameSync } from 'node:fs'
import path from 'node:path'
import { fail, type Job } from '../../core/index.ts'
import { removeTree } from '../../host/index.ts'
import { openLayer, unpackLayer } from '../../layer/index.ts'
import type { CacheIdentity } from '../../store/index.ts'
import { TreeSource } from '../files/tree-source.ts'
import type { BuildSession } from '../session.ts'
import { diffIdsOf, type LocalValue } from '../values.ts'
import type { CacheMount } from './mount.ts'
import { SOURCE_NAME, sourceDigest, writeSource } from './source.ts'

/** A cache that a step wants, and where the content of a new one comes from. */
export interface CachePlace {
  mount: CacheMount
  input?: LocalValue
  identity: CacheIdentity
}

/** What the store knows a cache by. */
export async function cacheIdentity(
  session: BuildSession,
  mount: CacheMount,
  input: LocalValue | undefined,
  job: Job,
): Promise<CacheIdentity> {
  const { namespace, id, mode, uid, gid, source } = mount
  const origin = input ? await sourceDigest(session, input, source, job) : null
  return { namespace, id, origin, mode, uid, gid }
}

/** Makes the content of a new cache: an empty folder, or a copy of what is at `source` of the input. */
export async function fillCache(
  session: BuildSession,
  { mount, input }: CachePlace,
  folder: string,
  job: Job,
): Promise<void> {
  if (input) await copyInto(session, input, mount.source, folder, job)
  if (mount.mode === null) return
  chownSync(folder, mount.uid ?? 0, mount.gid ?? 0)
  chmodSync(folder, mount.mode & 0o7777)
}

async function copyInto(
  session: BuildSession,
  input: LocalValue,
  source: string,
  folder: string,
  job: Job,
): Promise<void> {
  const { layers } = session.store
  const files =
    input.kind === 'layers'
      ? new TreeSource(await layers.tree(await diffIdsOf(input.layers), job), 'in the stage')
      : input.files
  const written = await writeSource(session, files, source, job)
  await unpackLayer(
    openLayer(written.index, () => written.tar),
    folder,
    { whiteouts: 'none' },
    job,
  )
  for (const file of [written.index, written.tar]) removeTree(file)
  lift(folder, source)
}

/** The folder itself becomes what was unpacked below it. */
function lift(folder: string, source: string): void {
  const inner = path.join(folder, SOURCE_NAME)
  const { mode, uid, gid, isDirectory } = describe(inner)
  if (!isDirectory) throw fail('COPY_CONFLICT', `a cache mount cannot begin as a file: ${source}`)
  // out of the way: what is in it may have the same name
  const aside = path.join(path.dirname(folder), 'content')
  renameSync(inner, aside)
  for (const name of readdirSync(aside, { encoding: 'buffer' }) as unknown as Buffer[]) {
    const [from, to] = [aside, folder].map((at) => Buffer.concat([Buffer.from(`${at}/`), name])) as [Buffer, Buffer]
    renameSync(from, to)
  }
  removeTree(aside)
  chownSync(folder, uid, gid)
  chmodSync(folder, mode)
}

function describe(file: string): { mode: number; uid: number; gid: number; isDirectory: boolean } {
  const stat = lstatSync(file)
  return { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, isDirectory: stat.isDirectory() }
}
