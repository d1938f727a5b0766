import { checkCanceled, createDigester, type Digest, fromByteString, type Job } from '../../../core/index.ts'
import type { Entry, FileTree } from '../../../layer/index.ts'
import type { Statement } from '../../../oci/index.ts'

/**
 * What a statement about files is about: every regular file by its path from the root, with the digest of its content,
 * as BuildKit lists them. Names of one file are read once.
 */
export async function fileSubjects(tree: FileTree, job: Job): Promise<Statement['subjects']> {
  const subjects: { name: string; digest: Digest }[] = []
  const known = new Map<string, Digest>()
  for (const entry of tree.walk()) {
    if (entry.kind !== 'file') continue
    const place = JSON.stringify([entry.size, tree.extents(entry.path)])
    const digest = known.get(place) ?? (await digestOfFile(tree, entry, job))
    if (entry.nlink > 1) known.set(place, digest)
    subjects.push({ name: fromByteString(entry.path), digest })
  }
  return subjects
}

async function digestOfFile(tree: FileTree, entry: Entry, job: Job): Promise<Digest> {
  const digester = createDigester()
  for await (const chunk of tree.read(entry.path)) {
    checkCanceled(job)
    digester.update(chunk)
  }
  return digester.digest()
}
