import { type Bytes, bytesOf, collectBytes, digestHex, toByteString } from '../core/index.ts'
import { type TarInput, writeTar } from '../layer/index.ts'
import type { Descriptor } from '../oci/index.ts'
import { makeImage, makeSample, type Sample, type SampleContent, tarFile } from '../oci/repository.suite.ts'
import { type ArchiveFormat, copyImage, MemoryRepository, writeImageArchive } from './index.ts'

/** A stream, whole. */
export function all(bytes: Bytes): Promise<Buffer> {
  return collectBytes(bytes, 1 << 28, () => new Error('endless'))
}

/** A repository with these contents and names. */
export async function memory(
  contents: readonly SampleContent[],
  names: Record<string, Descriptor>,
): Promise<MemoryRepository> {
  const repository = new MemoryRepository()
  for (const { descriptor, bytes } of contents) await repository.write(descriptor, bytesOf(bytes))
  for (const [name, descriptor] of Object.entries(names)) await repository.tag(name, descriptor)
  return repository
}

/** An archive of everything in a repository that has a name. */
export function archiveOf(format: ArchiveFormat, from: MemoryRepository): Bytes {
  return writeImageArchive(format, async (target) => {
    for await (const name of from.tags()) await copyImage(from, target, { ref: name, as: name })
  })
}

/** A member of an archive that is made by hand. */
export type Member = [
  name: string,
  content: string | Buffer | { link: string; type?: 'symlink' | 'hardlink' } | 'folder',
]

/** An archive made by hand. */
export async function tarOf(...members: Member[]): Promise<Buffer> {
  const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } }
  const sources = members.map(([name, content]) => {
    const base = { ...attributes, name: toByteString(name) }
    if (content === 'folder') return { entry: { ...base, type: 'directory' } satisfies TarInput }
    if (typeof content === 'object' && 'link' in content) {
      return {
        entry: { ...base, type: content.type ?? 'symlink', link: toByteString(content.link) } satisfies TarInput,
      }
    }
    const bytes = Buffer.from(content)
    return { entry: { ...base, type: 'file', size: bytes.length } satisfies TarInput, body: bytesOf(bytes) }
  })
  return all(writeTar(sources))
}

export const sample: Sample = makeSample()
const amd64 = { os: 'linux', architecture: 'amd64' }
/** Two layers, and the image of them. */
export const tars: readonly Buffer[] = [tarFile('a', '1'), tarFile('b', '2')]
export const image: ReturnType<typeof makeImage> = makeImage(amd64, tars)
const configName = `${digestHex(image.config.descriptor.digest)}.json`
/** `manifest.json` with these items. */
export const json = (...items: object[]): Member => ['manifest.json', JSON.stringify(items)]
/** An item of `manifest.json`: the image, with changes. */
export const item = (more: object = {}): object => ({
  Config: configName,
  RepoTags: ['busybox:1'],
  Layers: ['0/layer.tar', '1/layer.tar'],
  ...more,
})
/** The members that `item` names. */
export const config: Member = [configName, image.config.bytes]
export const layers: Member[] = [
  ['0/layer.tar', tars[0]!],
  ['1/layer.tar', tars[1]!],
]
