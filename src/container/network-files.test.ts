import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { hostsFile, resolvConfFile } from './network-files.ts'

test('/etc/hosts has the loopback names, the container’s own and what was added', () => {
  expect(hostsFile('box', ['db=10.0.0.1', 'v6=2001:db8::1'])).toBe(
    '127.0.0.1\tlocalhost box\n::1\tlocalhost ip6-localhost ip6-loopback\n10.0.0.1\tdb\n2001:db8::1\tv6\n',
  )
})

test('without a network there is no name server', () => {
  expect(resolvConfFile('none')).toBe('')
})

test.skipIf(!existsSync('/etc/resolv.conf'))('on the host’s network, its name servers (needs /etc/resolv.conf)', () => {
  const own = readFileSync('/etc/resolv.conf', 'utf8')
  if (!/127\.0\.0\.53/.test(own)) expect(resolvConfFile('host')).toBe(own)
  expect(resolvConfFile('host')).not.toMatch(/^nameserver\s+127\.0\.0\.53/m)
})
