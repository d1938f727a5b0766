import { type ByteString, byteStringToBuffer } from '../core/index.ts'

/**
 * The one place where a path of a tree becomes a path of this host: below `root`, which the caller owns. The path must
 * be one of a tree: names between single slashes, no `.`, no `..`; anything else is a mistake of the program.
 */
export function hostPath(root: string, path: ByteString): string | Buffer {
  if (path === '') return root
  if (!TREE_PATH.test(path)) throw new Error(`not the path of a tree: ${JSON.stringify(path)}`)
  return ASCII.test(path) ? `${root}/${path}` : Buffer.concat([Buffer.from(`${root}/`), byteStringToBuffer(path)])
}

const ASCII = /^[\x01-\x7f]*$/
const TREE_PATH = /^(?!\.{1,2}(?:\/|$))[^/\0]+(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)*$/
