import { type Digest, digestAlgorithm, digestHex } from '../../core/index.ts'
import { familiarReference, formatPlatform, normalizePlatform, type Platform, parseReference } from '../../oci/index.ts'
import { packageUrl } from '../../scan/index.ts'
import type { Vertex } from '../graph.ts'
import { redactUrl } from '../url.ts'

/** Something that a build took from elsewhere, by where it is and what it was. */
export interface Material {
  readonly uri: string
  readonly digest: Readonly<Record<string, string>>
}

/**
 * The package URL of an image, as BuildKit writes it: `pkg:docker/alpine@3.20?platform=linux%2Famd64`. A digest that the
 * user named is a qualifier.
 */
export function imagePackageUrl(name: string, platform?: Platform): string {
  const { tag, digest } = parseReference(name)
  const repository = familiarReference(parseReference(name.replace(/@.*$/, '').replace(/:[^/:]*$/, '')))
  const cut = repository.lastIndexOf('/')
  return packageUrl({
    type: 'docker',
    namespace: cut < 0 ? undefined : repository.slice(0, cut),
    name: repository.slice(cut + 1),
    version: tag,
    qualifiers: {
      digest,
      platform: platform && formatPlatform(normalizePlatform(platform)),
    },
  })
}

/**
 * What a graph took from elsewhere, each once, sorted: images by name and digest, downloads and repositories by address and digest. Files
 * of the build context are not among them; `complete` says whether there were none.
 */
export function materialsOf(
  vertices: readonly Vertex[],
  digestOf: (vertex: Vertex) => Material['digest'] | undefined,
): { materials: Material[]; complete: boolean } {
  const found = new Map<string, Material>()
  for (const vertex of vertices) {
    const material = materialOf(vertex, digestOf)
    if (material) found.set(`${material.uri} ${JSON.stringify(material.digest)}`, material)
  }
  const complete = !vertices.some(({ op }) => op.kind === 'context')
  return { materials: [...found.keys()].sort().map((key) => found.get(key)!), complete }
}

function materialOf(
  vertex: Vertex,
  digestOf: (vertex: Vertex) => Material['digest'] | undefined,
): Material | undefined {
  const { op } = vertex
  if (op.kind === 'image') {
    const [name = '', digest] = op.reference.split('@') as [string, Digest?]
    return digest && { uri: imagePackageUrl(name, op.platform), digest: digestMap(digest) }
  }
  if (op.kind !== 'http' && op.kind !== 'git') return undefined
  return { uri: redactUrl(op.url), digest: digestOf(vertex) ?? {} }
}

const digestMap = (digest: Digest): Record<string, string> => ({ [digestAlgorithm(digest)]: digestHex(digest) })
