import { bytesOf, collectBytes } from '../../core/index.ts'
import type { LayerLimits } from '../limits.ts'
import type { TarEntry } from './entry.ts'
import { forgeHeader, padded } from './forge.suite.ts'
import { readTar } from './read.ts'

/** An entry with its content as latin1 and where its data begins. */
export type Read = TarEntry & { content: string; offset: number }

/** Reads a whole archive, in chunks of any size. */
export async function read(
  tar: Buffer,
  limits: Partial<LayerLimits> = {},
  chunk: number = tar.length,
): Promise<Read[]> {
  const chunks: Buffer[] = []
  for (let at = 0; at < tar.length; at += chunk) chunks.push(tar.subarray(at, at + chunk))
  const found: Read[] = []
  for await (const { entry, offset, body } of readTar(bytesOf(...chunks), { limits })) {
    const content = await collectBytes(body, 1 << 26, () => new Error('too long'))
    found.push({ ...entry, offset, content: content.toString('latin1') })
  }
  return found
}

/** A sparse file as old GNU tar writes it. The first four pairs are in the header, 21 in each extension block. */
export function oldGnu(name: string, size: number, map: number[], data: string): Buffer {
  const pairs = (values: number[]): Buffer =>
    Buffer.from(values.map((value) => `${value.toString(8).padStart(11, '0')}\0`).join(''), 'latin1')
  const patch: [number, Buffer][] = [
    [386, pairs(map.slice(0, 8))],
    [483, pairs([size])],
  ]
  const blocks: Buffer[] = []
  for (let at = 8; at < map.length; at += 42) {
    const block = Buffer.alloc(512)
    pairs(map.slice(at, at + 42)).copy(block)
    block[504] = at + 42 < map.length ? 1 : 0
    blocks.push(block)
  }
  if (blocks.length > 0) patch.push([482, Buffer.from([1])])
  const header = forgeHeader({ name, flag: 'S', size: data.length, magic: 'ustar  \0', patch })
  return Buffer.concat([header, ...blocks, padded(data)])
}
