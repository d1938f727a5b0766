import { expect, test } from 'vitest'
import { ALPINE, packagesOf } from './fixture.suite.ts'

const DATABASE = `C:Q1abc=
P:musl
V:1.2.5-r0
A:x86_64
S:1
T:the musl c library (libc) implementation
U:https://musl.libc.org/
L:MIT
o:musl
m:Timo Teräs <timo.teras@iki.fi>
F:lib
R:ld-musl-x86_64.so.1
a:0:0:755

P:ssl_client
V:1.36.1-r29
A:x86_64
L:GPL-2.0-only
o:busybox

P:broken
`

test('installed packages with origin and license', async () => {
  const found = await packagesOf({ 'etc/os-release': ALPINE, 'lib/apk/db/installed': DATABASE })
  expect(found).toEqual([
    {
      kind: 'apk',
      name: 'musl',
      version: '1.2.5-r0',
      purl: 'pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1',
      architecture: 'x86_64',
      supplier: 'Timo Teräs <timo.teras@iki.fi>',
      licenses: ['MIT'],
      homepage: 'https://musl.libc.org/',
      description: 'the musl c library (libc) implementation',
      foundIn: 'lib/apk/db/installed',
    },
    {
      kind: 'apk',
      name: 'ssl_client',
      version: '1.36.1-r29',
      purl: 'pkg:apk/alpine/ssl_client@1.36.1-r29?arch=x86_64&distro=alpine-3.20.1&upstream=busybox',
      architecture: 'x86_64',
      source: { name: 'busybox', version: '1.36.1-r29' },
      licenses: ['GPL-2.0-only'],
      foundIn: 'lib/apk/db/installed',
    },
  ])
})
