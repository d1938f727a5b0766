import { DIGEST_ALGORITHMS, DIGEST_LENGTHS, type Digest, type DigestAlgorithm, fail } from '../core/index.ts'

/**
 * The name of an image, normalised: `domain` is always there (`docker.io` by default) and official images have a path
 * that begins with `library/`. Grammar: distribution/reference.
 */
export interface ImageReference {
  /** Registry host, with its port if it has one. */
  readonly domain: string
  /** Repository in the registry. */
  readonly path: string
  readonly tag?: string
  readonly digest?: Digest
}

const DEFAULT_DOMAIN = 'docker.io'
const LEGACY_DOMAIN = 'index.docker.io'
const OFFICIAL = 'library/'
const MAX_PATH = 255
const INVALID = 'invalid reference format'

const LABEL = '[a-zA-Z0-9]+(?:-+[a-zA-Z0-9]+)*'
const HOST = `(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?`
const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const TAG = '[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}'
const ALGORITHM = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*'
const REFERENCE = new RegExp(
  `^(${HOST})/(${COMPONENT}(?:/${COMPONENT})*)(?::(${TAG}))?(?:@(${ALGORITHM}:[0-9a-fA-F]{32,}))?$`,
)

/**
 * Parses what a user writes for an image: `ubuntu`, `me/app:1.0`, `localhost:5000/x@sha256:...`.
 * Fails with `REFERENCE_INVALID` and Docker's words; a bare image id of 64 hex digits is refused, for it names no repository.
 */
export function parseReference(text: string): ImageReference {
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(text, `invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`)
  }
  const { domain, rest } = splitDomain(text)
  const name = rest.split(':', 1)[0]!
  if (name.toLowerCase() !== name) throw invalid(text, `${INVALID}: repository name (${name}) must be lowercase`)
  const match = REFERENCE.exec(`${domain}/${rest}`)
  if (!match) throw invalid(text, INVALID)
  const [, host, path, tag, digest] = match
  if (path!.length > MAX_PATH) {
    throw invalid(text, `repository name must not be more than ${MAX_PATH} characters`)
  }
  return {
    domain: host!,
    path: path!,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest: checkDigest(text, digest) }),
  }
}

/** The whole name: `docker.io/library/ubuntu:24.04`. `parseReference` of it gives the same reference. */
export function formatReference(reference: ImageReference): string {
  return repositoryOf(reference) + suffixOf(reference)
}

/** The name as Docker shows it: without `docker.io/` and, for official images, without `library/`. */
export function familiarReference(reference: ImageReference): string {
  const { domain, path } = reference
  if (domain !== DEFAULT_DOMAIN) return formatReference(reference)
  const official = path.startsWith(OFFICIAL) && !path.includes('/', OFFICIAL.length)
  return (official ? path.slice(OFFICIAL.length) : path) + suffixOf(reference)
}

/** Adds the tag `latest` to a reference that has neither a tag nor a digest. */
export function withDefaultTag(reference: ImageReference): ImageReference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference
}

/** Domain and path without tag and digest: `docker.io/library/ubuntu`. */
export function repositoryOf(reference: ImageReference): string {
  return `${reference.domain}/${reference.path}`
}

function suffixOf({ tag, digest }: ImageReference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`)
}

/** The first component is a host if it looks like one: `localhost`, with a dot, a colon or an upper-case letter. */
function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf('/')
  if (slash < 0) return { domain: DEFAULT_DOMAIN, rest: OFFICIAL + text }
  const first = text.slice(0, slash)
  const isHost = first === 'localhost' || /[.:]/.test(first) || first.toLowerCase() !== first
  const rest = isHost ? text.slice(slash + 1) : text
  const domain = isHost && first !== LEGACY_DOMAIN ? first : DEFAULT_DOMAIN
  return { domain, rest: domain === DEFAULT_DOMAIN && !rest.includes('/') ? OFFICIAL + rest : rest }
}

function checkDigest(text: string, digest: string): Digest {
  const colon = digest.indexOf(':')
  const algorithm = digest.slice(0, colon)
  const hex = digest.slice(colon + 1)
  const length = DIGEST_ALGORITHMS.find((known) => known === algorithm) && DIGEST_LENGTHS[algorithm as DigestAlgorithm]
  if (length === undefined) {
    const wellFormed = algorithm.toLowerCase() === algorithm
    throw invalid(text, wellFormed ? 'unsupported digest algorithm' : 'invalid checksum digest format')
  }
  if (hex.length !== length) throw invalid(text, 'invalid checksum digest length')
  if (hex.toLowerCase() !== hex) throw invalid(text, 'invalid checksum digest format')
  return digest as Digest
}

function invalid(text: string, message: string): Error {
  return fail('REFERENCE_INVALID', message, { data: { reference: text.slice(0, 1000) } })
}
