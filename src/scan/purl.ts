/** The parts of a package URL. Names are given as the package manager writes them. */
export interface PackageUrlParts {
  readonly type: string
  readonly namespace?: string | undefined
  readonly name: string
  readonly version?: string | undefined
  /** Without values that are `undefined` or empty. */
  readonly qualifiers?: Readonly<Record<string, string | undefined>>
}

/**
 * A package URL in its canonical form (package-url/purl-spec, "How to build a purl string from its components"):
 * `pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12`. Names are folded as their type asks for.
 */
export function packageUrl({ type, namespace, name, version, qualifiers = {} }: PackageUrlParts): string {
  const fold = FOLDED[type] ?? ((text: string) => text)
  const segments = [...(namespace ?? '').split('/').filter((part) => part !== ''), name]
  const path = [type, ...segments.map((part) => encode(fold(part)))].join('/')
  const pairs = Object.entries(qualifiers)
    .filter(([, value]) => value !== undefined && value !== '')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${encode(value!)}`)
  return `pkg:${path}${version ? `@${encode(version)}` : ''}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`
}

const lower = (text: string): string => text.toLowerCase()

/** purl-spec, "PURL-TYPES": what is not case-sensitive is written in lower case. */
const FOLDED: Readonly<Record<string, (text: string) => string>> = {
  apk: lower,
  deb: lower,
  github: lower,
  npm: lower,
  pypi: (text) => text.toLowerCase().replaceAll('_', '-'),
}

/** Everything but letters, digits and `.-_~:` (purl-spec, "Character encoding"). */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%3A', ':')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
