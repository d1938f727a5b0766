import { expect, test } from 'vitest'
import { digestOf } from '../core/index.ts'
import { DEBIAN, scanOf } from './fixture.suite.ts'
import { spdxDocument } from './index.ts'

const subject = {
  name: 'app:1',
  digest: digestOf('app'),
  purl: 'pkg:docker/app@1',
  created: 1_600_000_000_000,
  version: '1.2.3',
}
const FILES = {
  'etc/os-release': DEBIAN,
  'var/lib/dpkg/status':
    'Package: a\nVersion: 1\nArchitecture: all\nMaintainer: Some One <one@example.com>\nHomepage: https://a.example\nSource: b (2)\n',
  'usr/share/doc/a/copyright': 'License: Expat\nLicense: Fancy One\n',
}

test('a document says what there is', async () => {
  const document = spdxDocument(await scanOf(FILES), subject)
  expect(document).toMatchObject({
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: 'app:1',
    creationInfo: { created: '2020-09-13T12:26:40Z', creators: ['Tool: slipway-1.2.3'] },
    packages: [
      { name: 'app:1', SPDXID: 'SPDXRef-DocumentRoot-Image', primaryPackagePurpose: 'CONTAINER' },
      {
        name: 'a',
        versionInfo: '1',
        supplier: 'Organization: Some One (one@example.com)',
        licenseDeclared: 'MIT AND LicenseRef-Fancy-One',
        sourceInfo: 'built from: b 2; found in: /var/lib/dpkg/status',
        externalRefs: [
          {
            referenceCategory: 'PACKAGE-MANAGER',
            referenceType: 'purl',
            referenceLocator: 'pkg:deb/debian/a@1?arch=all&distro=debian-12&upstream=b%402',
          },
        ],
      },
    ],
    hasExtractedLicensingInfos: [{ licenseId: 'LicenseRef-Fancy-One', extractedText: 'Fancy One' }],
  })
  const { packages, relationships } = document as { packages: { SPDXID: string }[]; relationships: unknown[] }
  expect(relationships).toEqual([
    { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: packages[0]!.SPDXID },
    { spdxElementId: packages[0]!.SPDXID, relationshipType: 'CONTAINS', relatedSpdxElement: packages[1]!.SPDXID },
  ])
})

test('the same image gives the same document, another one another namespace', async () => {
  const document = async (digest: typeof subject.digest): Promise<string> =>
    JSON.stringify(spdxDocument(await scanOf(FILES), { ...subject, digest }))
  expect(await document(subject.digest)).toBe(await document(subject.digest))
  expect(await document(subject.digest)).not.toBe(await document(digestOf('other')))
})

test('identifiers are valid and each belongs to one package', async () => {
  const names = ['@s/a', '@s-a', 'a_b', 'a-b']
  const files = names.map((name) => [
    `node_modules/${name.startsWith('@') && !name.includes('/') ? 'x' : name}/package.json`,
    JSON.stringify({ name, version: '1' }),
  ])
  const { packages } = spdxDocument(await scanOf(Object.fromEntries(files)), subject) as {
    packages: { SPDXID: string }[]
  }
  const ids = packages.map((each) => each.SPDXID)
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/)
})
