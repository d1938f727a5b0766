import { expect, test } from 'vitest'
import { parseCopyright } from './dpkg-copyright.ts'
import { DEBIAN, packagesOf, scanOf } from './fixture.suite.ts'

const LIBC = `Package: libc6
Status: install ok installed
Priority: optional
Installed-Size: 13000
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+deb12u7
Description: GNU C Library: Shared libraries
 Contains the standard libraries.
 .
 Package: not-a-field
Homepage: https://www.gnu.org/software/libc/libc.html
`
const GONE = 'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n'
const BASH =
  'Package: bash\nStatus: install ok installed\nVersion: 5.2.15-2+b7\nArchitecture: amd64\nSource: bash (5.2.15-2)\n'

test('installed packages with version, source, maintainer and license', async () => {
  const found = await scanOf({
    'etc/os-release': DEBIAN,
    'var/lib/dpkg/status': [LIBC, GONE, BASH].join('\n'),
    'usr/share/doc/libc6/copyright':
      'On Debian systems, see /usr/share/common-licenses/LGPL-2.1 and\n/usr/share/common-licenses/GPL-2.\n',
  })
  expect(found).toEqual({
    distribution: { id: 'debian', version: '12', prettyName: 'Debian GNU/Linux 12 (bookworm)' },
    problems: [],
    packages: [
      {
        kind: 'deb',
        name: 'bash',
        version: '5.2.15-2+b7',
        purl: 'pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=amd64&distro=debian-12&upstream=bash%405.2.15-2',
        architecture: 'amd64',
        source: { name: 'bash', version: '5.2.15-2' },
        licenses: [],
        foundIn: 'var/lib/dpkg/status',
      },
      {
        kind: 'deb',
        name: 'libc6',
        version: '2.36-9+deb12u7',
        purl: 'pkg:deb/debian/libc6@2.36-9%2Bdeb12u7?arch=amd64&distro=debian-12&upstream=glibc%402.36-9',
        architecture: 'amd64',
        source: { name: 'glibc', version: '2.36-9' },
        supplier: 'GNU Libc Maintainers <debian-glibc@lists.debian.org>',
        licenses: ['GPL-2', 'LGPL-2.1'],
        homepage: 'https://www.gnu.org/software/libc/libc.html',
        description: 'GNU C Library: Shared libraries',
        foundIn: 'var/lib/dpkg/status',
      },
    ],
  })
})

test('a database of one file per package, as in images without dpkg', async () => {
  const found = await packagesOf({
    'var/lib/dpkg/status.d/tzdata': 'Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n',
    'var/lib/dpkg/status.d/tzdata.md5sums': 'Package: no\nVersion: no\n',
  })
  expect(found.map((each) => each.purl)).toEqual(['pkg:deb/debian/tzdata@2024a-0%2Bdeb12u1?arch=all'])
})

test('licenses by field, else by the texts that are named', () => {
  const machine =
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nLicense: GPL-2+\nLicense: Expat\n Permission is\nLicense: GPL-2+\n'
  expect(parseCopyright(`${machine}/usr/share/common-licenses/GPL-3`)).toEqual(['Expat', 'GPL-2+'])
  expect(parseCopyright('see /usr/share/common-licenses/Artistic.')).toEqual(['Artistic'])
})

test('what makes no sense is left out', async () => {
  const text = ['Package: a', 'Version: 1', '', ':', 'Version: 2', '', '\0\xff', '', 'Package: b', '', BASH].join('\n')
  expect((await packagesOf({ 'var/lib/dpkg/status': text })).map((each) => each.name)).toEqual(['a', 'bash'])
})
