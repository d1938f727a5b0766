import type { Digest } from '../../../core/index.ts'
import { refuse } from '../failure.ts'
import type { RegistryDatabase } from '../folder/database.ts'
import { matchesAny, type Pattern } from '../pattern.ts'
import type { Change, ChangeListener } from '../storage.ts'
import { formatAmount } from './quantities.ts'
import type { ImmutableConfig, QuotaConfig } from './settings.ts'

/** A quota that holds for a repository. */
export interface Quota {
  /** What it is for: a namespace with its repositories, or one repository. */
  scope: 'namespace' | 'repository'
  name: string
  limit: number
  used: number
}

/** What may not happen, whoever asks. */
export interface Policies {
  readonly listener: ChangeListener
  isImmutable(repository: string, tag: string): boolean
  /** The quotas that hold for a repository, with what is used of them. */
  quotas(repository: string): Quota[]
  /**
   * Throws `DENIED` when so many more bytes, of this content where that is known, are too much for the repository; 0
   * asks whether anything is left.
   */
  checkSpace(repository: string, bytes: number, digest?: Digest): void
}

/** Immutable tags and quotas as the configuration has them. */
export function createPolicies(
  db: RegistryDatabase,
  { immutable = [], quota = [] }: { immutable?: ImmutableConfig[] | undefined; quota?: QuotaConfig[] | undefined },
): Policies {
  const isImmutable = (repository: string, tag: string): boolean =>
    immutable.some(
      (rule) =>
        matchesAny(rule.repositories, repository) && matchesAny(rule.tags, tag) && !matchesAny(rule.except ?? [], tag),
    )
  const quotas = (repository: string): Quota[] => quotasOf(db, quota, repository)
  return {
    isImmutable,
    quotas,
    checkSpace: (repository, bytes, digest) => {
      if (quota.length > 0) checkSpace(quotas(repository), bytes, digest ? holders(db, repository, digest) : [])
    },
    listener: {
      before(change) {
        if (immutable.length > 0) checkTags(change, isImmutable)
        if (quota.length > 0) checkChange(db, change, quotas)
      },
    },
  }
}

function checkTags(change: Change, isImmutable: (repository: string, tag: string) => boolean): void {
  const { repository } = change
  const isFixed = (tag: string): boolean => isImmutable(repository, tag)
  if (change.kind === 'manifest-put') {
    const moved = change.tags.find(
      ({ name, previous }) => previous !== undefined && previous !== change.manifest.digest && isFixed(name),
    )
    if (moved) throw immutableTag(repository, moved.name, `it stays ${moved.previous}`)
  } else if (change.kind === 'tag-deleted') {
    if (isFixed(change.tag)) throw immutableTag(repository, change.tag, 'it cannot be deleted')
  } else if (change.kind === 'manifest-deleted') {
    const held = change.tags.find(isFixed)
    if (held !== undefined) throw immutableTag(repository, held, 'its image cannot be deleted')
  }
}

function immutableTag(repository: string, tag: string, what: string): Error {
  return refuse('DENIED', `tag ${repository}:${tag} is immutable: ${what}`, { detail: { repository, tag } })
}

/** The first rule for namespaces that names the repository's, and the first for repositories that names it. */
function quotasOf(db: RegistryDatabase, rules: readonly QuotaConfig[], repository: string): Quota[] {
  const namespace = namespaceOf(repository)
  const found: Quota[] = []
  const ofNamespace = rules.find(({ namespaces }) => matches(namespaces, namespace))
  const ofRepository = rules.find(({ repositories }) => matches(repositories, repository))
  if (ofNamespace) {
    const used = usedBytes(db, 'SELECT used_bytes FROM namespaces WHERE name = ?', namespace)
    found.push({ scope: 'namespace', name: namespace, limit: ofNamespace.limit, used })
  }
  if (ofRepository) {
    const used = usedBytes(db, 'SELECT used_bytes FROM repositories WHERE name = ?', repository)
    found.push({ scope: 'repository', name: repository, limit: ofRepository.limit, used })
  }
  return found
}

function matches(patterns: readonly Pattern[] | undefined, name: string): boolean {
  return patterns !== undefined && matchesAny(patterns, name)
}

function usedBytes(db: RegistryDatabase, sql: string, name: string): number {
  return db.get<{ used_bytes: number }>(sql, name)?.used_bytes ?? 0
}

/** What comes before the first `/`. */
function namespaceOf(repository: string): string {
  return repository.split('/', 1)[0]!
}

/** Content that a namespace holds already takes no more of its quota. */
function checkChange(db: RegistryDatabase, change: Change, quotas: (repository: string) => Quota[]): void {
  if (change.kind !== 'blob-linked' && change.kind !== 'manifest-put') return
  if (change.kind === 'manifest-put' && !change.isNew) return
  const { repository } = change
  const [digest, size] =
    change.kind === 'blob-linked'
      ? [change.digest, change.size]
      : [change.manifest.digest, change.manifest.bytes.length]
  checkSpace(quotas(repository), size, holders(db, repository, digest))
}

/** What holds the content already. */
function holders(db: RegistryDatabase, repository: string, digest: Digest): Quota['scope'][] {
  const inNamespace = 'SELECT 1 FROM namespace_content WHERE namespace = ? AND digest = ?'
  if (!db.get(inNamespace, namespaceOf(repository), digest)) return []
  const inRepository =
    'SELECT 1 FROM repositories r JOIN repo_blobs l ON l.repo = r.id WHERE r.name = ? AND l.digest = ?'
  return db.get(inRepository, repository, digest) ? ['namespace', 'repository'] : ['namespace']
}

function checkSpace(quotas: readonly Quota[], bytes: number, free: readonly Quota['scope'][]): void {
  const full = quotas.find(({ scope, used, limit }) => {
    const more = free.includes(scope) ? 0 : bytes
    return bytes === 0 ? used >= limit : more > 0 && used + more > limit
  })
  if (!full) return
  const { scope, name, limit, used } = full
  const wanted = bytes === 0 ? '' : `, and this needs ${formatAmount(bytes)}`
  const words = `quota exceeded: ${scope} ${name} uses ${formatAmount(used)} of ${formatAmount(limit)}${wanted}`
  throw refuse('DENIED', words, { detail: { scope, name, limit, used, needed: bytes } })
}
