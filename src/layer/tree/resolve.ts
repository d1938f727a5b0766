import { type ByteString, fail } from '../../core/index.ts'
import { quoteName } from '../limits.ts'
import { joinPath, MAX_SYMLINKS, splitPath } from './path.ts'
import type { LayerStack, Parts } from './stack.ts'

/** A path without symlinks, `.` and `..`, and what is there. */
export interface Resolved {
  path: ByteString
  parts: Parts | undefined
}

/**
 * Follows a path from the root of a stack, as the kernel would after a chroot: symlinks stay inside, and `..` of the
 * root is the root. From the first name that is missing on, the path is only tidied up.
 * Fails with `TREE_SYMLINK_LOOP` after 40 symlinks.
 */
export function resolvePath(stack: LayerStack, path: ByteString, followLast: boolean): Resolved {
  const root: Resolved = { path: ROOT, parts: stack.root }
  const steps: Resolved[] = [root]
  const pending = splitPath(path).reverse()
  let links = 0
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const here = steps.at(-1)!
    const parts = name === '..' ? undefined : childOf(stack, here.parts, name)
    if (name === '..') {
      if (steps.length > 1) steps.pop()
    } else if (!parts) {
      return { path: tidyPath([...splitPath(here.path), name, ...pending.reverse()]), parts: undefined }
    } else if (parts[0].inode.kind === 'symlink' && (followLast || pending.length > 0)) {
      if (++links > MAX_SYMLINKS) throw tooManyLinks(path)
      const link = stack.link(parts)
      if (link.startsWith('/')) steps.splice(0, steps.length, root)
      pending.push(...splitPath(link).reverse())
    } else steps.push({ path: joinPath(here.path, name), parts })
  }
  return steps.at(-1)!
}

const ROOT = '' as ByteString

function childOf(stack: LayerStack, parts: Parts | undefined, name: ByteString): Parts | undefined {
  return parts?.[0].inode.kind === 'directory' ? stack.child(parts, name) : undefined
}

/** Takes `..` back against the name before it, without looking. */
function tidyPath(names: readonly ByteString[]): ByteString {
  const kept: ByteString[] = []
  for (const name of names) {
    if (name === '..') kept.pop()
    else kept.push(name)
  }
  return kept.join('/') as ByteString
}

function tooManyLinks(path: ByteString): Error {
  return fail('TREE_SYMLINK_LOOP', `${quoteName(path)}: too many levels of symbolic links`)
}
