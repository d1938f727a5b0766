import type { ByteString } from '../core/index.ts'
import { type Cataloger, folderOf } from './cataloger.ts'
import type { Package } from './package.ts'
import { packageUrl } from './purl.ts'
import { readStanzas, type Stanza } from './stanzas.ts'

// the header is small; a description, which may be long, follows it
const LARGEST = 16 << 20

/** Python packages: `*.dist-info/METADATA` of wheels, and `*.egg-info` (a folder with PKG-INFO, or a file) of setuptools. */
export const python: Cataloger = {
  name: 'python',
  wants: (path) =>
    path.endsWith('.egg-info') ||
    (path.endsWith('/METADATA') && folderOf(path).endsWith('.dist-info')) ||
    (path.endsWith('/PKG-INFO') && folderOf(path).endsWith('.egg-info')),
  *read(path, reader) {
    const text = reader.text(path, LARGEST)
    const [header] = text === undefined ? [] : readStanzas(text, { only: 1 })
    const found = header && packageOf(header, text!, path)
    if (found) yield found
  },
}

function packageOf(header: Stanza, text: string, path: ByteString): Package | undefined {
  const [name, version] = [header.get('name'), header.get('version')]
  if (!name || !version || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,213}$/.test(name) || version.length > 256) return undefined
  const supplier = supplierOf(header)
  const [homepage, description] = [header.get('home-page'), header.get('summary')]
  return {
    kind: 'pypi',
    name,
    version,
    purl: packageUrl({ type: 'pypi', name, version }),
    licenses: licensesOf(header, text),
    foundIn: path,
    ...(supplier ? { supplier } : {}),
    ...(homepage && homepage !== 'UNKNOWN' ? { homepage } : {}),
    ...(description && description !== 'UNKNOWN' ? { description: description.split('\n', 1)[0]! } : {}),
  }
}

function supplierOf(header: Stanza): string | undefined {
  const [author, email] = [header.get('author'), header.get('author-email')].map((text) =>
    text === 'UNKNOWN' ? undefined : text,
  )
  if (!author) return email
  return email && !email.includes('<') && !email.includes(',') ? `${author} <${email}>` : author
}

/** The SPDX expression (Metadata-Version 2.4), else the short free text, else the classifiers. */
function licensesOf(header: Stanza, text: string): string[] {
  const expression = header.get('license-expression')
  if (expression) return [expression]
  const license = header.get('license')
  if (license && license !== 'UNKNOWN' && license.length <= 100 && !license.includes('\n')) return [license]
  const head = text.slice(0, 64 << 10).split('\n\n', 1)[0]!
  return [...head.matchAll(/^Classifier: License :: (?:OSI Approved :: )?(\S.*)$/gm)]
    .slice(0, 20)
    .map(([, it]) => it!.trim())
}
