import { type Digest, digestHex, digestOf } from '../core/index.ts'
import { LicenseTable } from './licenses.ts'
import type { Package } from './package.ts'
import type { Scan } from './scan.ts'

/** What an SBOM is about. */
export interface SbomSubject {
  /** What the document is called: an image's name, or what it is of a build. */
  name: string
  /** Digest of the manifest. */
  digest: Digest
  /** The package URL of the image, if it has a name. */
  purl?: string
  /** Unix milliseconds. */
  created: number
  /** Version of this program. */
  version: string
}

/**
 * An SPDX 2.3 document of a scan, as the value of its JSON. Equal scans of equal subjects give equal documents: the
 * namespace comes from the digest, the time from the subject.
 */
export function spdxDocument(scan: Scan, subject: SbomSubject): Record<string, unknown> {
  const licenses = new LicenseTable()
  const packages = scan.packages.map((each) => packageEntry(each, licenses))
  const relate = (from: string, relationshipType: string, to: string): Record<string, string> => ({
    spdxElementId: from,
    relationshipType,
    relatedSpdxElement: to,
  })
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: DOCUMENT,
    name: subject.name,
    documentNamespace: namespaceOf(subject),
    creationInfo: {
      created: new Date(subject.created).toISOString().replace(/\.\d+Z$/, 'Z'),
      creators: [`Tool: slipway-${subject.version}`],
    },
    packages: [rootEntry(scan, subject), ...packages],
    ...extractedPart(licenses),
    relationships: [
      relate(DOCUMENT, 'DESCRIBES', ROOT),
      ...packages.map((each) => relate(ROOT, 'CONTAINS', each.SPDXID)),
    ],
  }
}

const DOCUMENT = 'SPDXRef-DOCUMENT'
const ROOT = 'SPDXRef-DocumentRoot-Image'

/** SPDX 2.3, 6.5: unique for the document, and an address that need not exist. */
function namespaceOf({ name, digest }: SbomSubject): string {
  return `https://spdx.org/spdxdocs/slipway-${encodeURIComponent(name.toWellFormed())}-${digestHex(digest)}`
}

function rootEntry({ distribution }: Scan, { name, digest, purl }: SbomSubject): Record<string, unknown> {
  return {
    name,
    SPDXID: ROOT,
    versionInfo: digest,
    supplier: 'NOASSERTION',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    checksums: [{ algorithm: 'SHA256', checksumValue: digestHex(digest) }],
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    ...(purl ? { externalRefs: [purlReference(purl)] } : {}),
    ...(distribution ? { comment: `distribution: ${distribution.prettyName ?? distribution.id}` } : {}),
    primaryPackagePurpose: 'CONTAINER',
  }
}

function packageEntry(found: Package, licenses: LicenseTable): { SPDXID: string } & Record<string, unknown> {
  const { homepage, description, source } = found
  const from = source ? `built from: ${source.name} ${source.version}; ` : ''
  return {
    name: found.name,
    SPDXID: `SPDXRef-Package-${found.kind}-${slug(found.name)}-${digestHex(digestOf(found.purl)).slice(0, 16)}`,
    versionInfo: found.version,
    supplier: supplierOf(found),
    downloadLocation: 'NOASSERTION',
    ...(homepage && /^https?:\/\/[^\s]+$/.test(homepage) ? { homepage } : {}),
    sourceInfo: `${from}found in: /${Buffer.from(found.foundIn, 'latin1').toString('utf8')}`,
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: licenses.expression(found.licenses),
    copyrightText: 'NOASSERTION',
    ...(description ? { description } : {}),
    externalRefs: [purlReference(found.purl)],
  }
}

const slug = (name: string): string => name.replace(/[^A-Za-z0-9.-]+/g, '-')

function purlReference(purl: string): Record<string, string> {
  return { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }
}

/** SPDX 2.3, 7.5: `Person: name (email)` or `Organization: name (email)`. */
function supplierOf({ supplier, kind }: Package): string {
  if (!supplier) return 'NOASSERTION'
  const cut = supplier.endsWith('>') ? supplier.indexOf('<') : -1
  const [name, email] = cut < 0 ? [supplier, ''] : [supplier.slice(0, cut), supplier.slice(cut + 1, -1)]
  const who = kind === 'deb' || kind === 'apk' ? 'Organization' : 'Person'
  return `${who}: ${name.trim()}${email ? ` (${email})` : ''}`
}

function extractedPart(licenses: LicenseTable): Record<string, unknown> {
  const entries = licenses.references().map(([licenseId, name]) => ({ licenseId, name, extractedText: name }))
  return entries.length === 0 ? {} : { hasExtractedLicensingInfos: entries }
}
