import { type ByteString, toByteString } from '../core/index.ts'
import { baseName, type Cataloger, distroQualifier } from './cataloger.ts'
import { readCopyright } from './dpkg-copyright.ts'
import type { FileReader } from './files.ts'
import type { Distribution, Package } from './package.ts'
import { packageUrl } from './purl.ts'
import { readStanzas, type Stanza } from './stanzas.ts'

const STATUS = toByteString('var/lib/dpkg/status')
/** One file per package: how images without dpkg itself ("distroless") keep the database. */
const STATUS_FOLDER = toByteString('var/lib/dpkg/status.d/')
const LARGEST = 64 << 20

/** Debian packages: the database of dpkg. Licenses come from `/usr/share/doc/<package>/copyright`. */
export const dpkg: Cataloger = {
  name: 'dpkg',
  wants: (path) => path === STATUS || (path.startsWith(STATUS_FOLDER) && !baseName(path).includes('.md5sums')),
  *read(path, reader, distribution) {
    const text = reader.text(path, LARGEST)
    if (text === undefined) return
    for (const stanza of readStanzas(text)) {
      const found = packageOf(stanza, path, reader, distribution)
      if (found) yield found
    }
  },
}

function packageOf(
  stanza: Stanza,
  path: ByteString,
  reader: FileReader,
  distribution: Distribution | undefined,
): Package | undefined {
  const [name, version] = [stanza.get('package'), stanza.get('version')]
  if (!name || !version || !isInstalled(stanza)) return undefined
  const architecture = stanza.get('architecture')
  const source = sourceOf(stanza, name, version)
  const [supplier, homepage, description] = [
    stanza.get('maintainer'),
    stanza.get('homepage'),
    stanza.get('description'),
  ]
  const purl = packageUrl({
    type: 'deb',
    namespace: distribution?.id ?? 'debian',
    name,
    version,
    qualifiers: { arch: architecture, distro: distroQualifier(distribution), upstream: upstreamOf(source, version) },
  })
  return {
    kind: 'deb',
    name,
    version,
    purl,
    licenses: readCopyright(name, reader),
    foundIn: path,
    ...(architecture ? { architecture } : {}),
    ...(source ? { source } : {}),
    ...(supplier ? { supplier } : {}),
    ...(homepage ? { homepage } : {}),
    ...(description ? { description: description.split('\n', 1)[0]! } : {}),
  }
}

/** dpkg(1), "Package states": what was removed but for its configuration is still listed. In status.d all are there. */
function isInstalled(stanza: Stanza): boolean {
  const status = stanza.get('status')
  return status === undefined || status.split(/\s+/)[2] === 'installed'
}

/** `Source: glibc (2.36-9)`; the version stands there only where it differs (deb-control(5)). */
function sourceOf(stanza: Stanza, name: string, version: string): Package['source'] {
  const [, source = '', sourceVersion = version] = /^(\S+)(?:\s+\(([^)]*)\))?/.exec(stanza.get('source') ?? '') ?? []
  if (source === '' || (source === name && sourceVersion === version)) return undefined
  return { name: source, version: sourceVersion }
}

/** As vulnerability scanners want it: the source package, with its version where that is another one. */
function upstreamOf(source: Package['source'], version: string): string | undefined {
  if (!source) return undefined
  return source.version === version ? source.name : `${source.name}@${source.version}`
}
