import { expect, test } from 'vitest'
import { parsePorts } from './port.ts'

test.each([
  ['80', ['80/tcp']],
  ['80/', ['80/tcp']],
  ['080', ['80/tcp']],
  ['53/UDP', ['53/udp']],
  ['80-82/sctp', ['80/sctp', '81/sctp', '82/sctp']],
  ['8080:80', ['80/tcp']],
  ['8080-8090:80', ['80/tcp']],
  ['8080-8081:80-81', ['80/tcp', '81/tcp']],
  ['127.0.0.1::80', ['80/tcp']],
  ['[::1]:8080:80/udp', ['80/udp']],
  ['2001:db8::7::333', ['333/tcp']],
  ['[]:1:2', ['2/tcp']],
  ['0', ['0/tcp']],
])('%s', (spec, ports) => {
  expect(parsePorts(spec)).toEqual(ports)
})

test('the widest range', () => {
  expect(parsePorts('0-65535')).toHaveLength(65536)
})

test.each([
  ['', 'invalid port: "": no port specified'],
  ['8080:', 'invalid port: "8080:": no port specified'],
  ['/tcp', 'invalid port: "/tcp": no port specified'],
  ['80/icmp', 'invalid port: "80/icmp": invalid proto: icmp'],
  ['80/tcp/udp', 'invalid port: "80/tcp/udp": invalid proto: tcp/udp'],
  ['a', 'invalid containerPort: a'],
  ['-1', 'invalid containerPort: -1'],
  ['80-70', 'invalid containerPort: 80-70'],
  ['1-2-3', 'invalid containerPort: 1-2-3'],
  ['65536', 'invalid containerPort: 65536'],
  ['1e3', 'invalid containerPort: 1e3'],
  ['x:80', 'invalid hostPort: x'],
  ['80-90:80-91', 'invalid ranges specified for container and host Ports: 80-91 and 80-90'],
  ['1.2.3:80:80', 'invalid IP address: 1.2.3'],
  ['01.2.3.4:80:80', 'invalid IP address: 01.2.3.4'],
  ['[fe80::1%eth0]:80:80', 'invalid IP address: fe80::1%eth0'],
  ['[::1:80:80', "invalid IP address [::1: address [::1:: missing ']' in address"],
  ['[::1]x:80:80', 'invalid IP address [::1]x: address [::1]x:: missing port in address'],
])('%j is refused', (spec, message) => {
  expect(() => parsePorts(spec)).toThrow(expect.objectContaining({ code: 'PORT_INVALID', message }))
})
