import { describe, expect, test } from 'vitest'
import type { TlsSettings } from '../settings.ts'
import { type Machine, openMachine } from './fixture.suite.ts'

// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=example
const CERT = `-----BEGIN CERTIFICATE-----
MIIBfDCCASGgAwIBAgIUHFKXMPalYrO1lkYAsuzgZfFCZ2AwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHZXhhbXBsZTAgFw0yNjExMjEyMjE2MjVaGA8yMTI2MTAyODIy
MTYyNVowEjEQMA4GA1UEAwwHZXhhbXBsZTBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABGU9082FAx7T36QMHsbbcZTlXqMEaOUyY/XQVNHm4qfEnjzoiF81yWj9yp6l
QzYLcb33zGONxvXTUDTfEU8dYlijUzBRMB0GA1UdDgQWBBRAdkRIzESkfC4v2o20
hrF+MNXhKjAfBgNVHSMEGDAWgBRAdkRIzESkfC4v2o20hrF+MNXhKjAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDR4T3vGXOcNpR57Lb4hGnmOW1a
ipmRxoIJI5IVUjr20gIhALlGFBYtQreKswUnGKXiLWMWT6oDwYQNQTluSXGkyna3
-----END CERTIFICATE-----
`
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZHz/ephbU5nAMTdS
BKtVyxC3FeBMT5zhcOfFDKIVqC6hRANCAARlPdPNhQMe09+kDB7G23GU5V6jBGjl
MmP10FTR5uKnxJ486IhfNclo/cqepUM2C3G998xjjcb101A03xFPHWJY
-----END PRIVATE KEY-----
`

async function tlsOf(machine: Machine, domain = 'h:5000'): Promise<TlsSettings> {
  return (await machine.settings().endpoints({ domain, path: 'a' })).at(-1)!.tls
}

describe('certs.d', () => {
  test.each(['etc/docker', 'etc/containers', 'home/.config/docker', 'home/.config/containers'])(
    '%s/certs.d',
    async (folder) => {
      const machine = openMachine()
      for (const [name, text] of Object.entries({
        'a.crt': CERT,
        'b.crt': CERT,
        'c.cert': CERT,
        'c.key': KEY,
        note: 'x',
      }))
        machine.write(`${folder}/certs.d/h:5000/${name}`, text)
      expect(await tlsOf(machine)).toEqual({ ca: [CERT, CERT], client: { cert: CERT, key: KEY }, verify: true })
      expect(await tlsOf(machine, 'h')).toEqual({ ca: [], verify: true })
    },
  )

  test('the folder of the user goes before that of the machine', async () => {
    const machine = openMachine()
    machine.write('etc/docker/certs.d/h:5000/broken.crt', 'x')
    machine.write('home/.config/docker/certs.d/h:5000/a.crt', CERT)
    expect((await tlsOf(machine)).ca).toEqual([CERT])
  })

  test.each(['registry-1.docker.io', 'docker.io'])('Docker Hub: %s', async (name) => {
    const machine = openMachine()
    machine.write(`etc/docker/certs.d/${name}/a.crt`, CERT)
    expect((await tlsOf(machine, 'docker.io')).ca).toEqual([CERT])
  })

  test('mirrors have certificates of their own', async () => {
    const machine = openMachine()
    machine.write('etc/docker/daemon.json', { 'registry-mirrors': ['https://m:1'] })
    machine.write('etc/docker/certs.d/m:1/a.crt', CERT)
    const all = await machine.settings().endpoints({ domain: 'docker.io', path: 'a' })
    expect(all.map(({ tls }) => tls.ca.length)).toEqual([1, 0])
  })

  test.each([
    [{ 'a.crt': 'nonsense' }, 'h:5000/a.crt: it is not a certificate in PEM'],
    [{ 'a.cert': CERT }, 'h:5000: missing key a.key for client certificate a.cert'],
    [{ 'a.key': KEY }, 'h:5000: missing client certificate a.cert for key a.key'],
    [{ 'a.cert': CERT, 'a.key': CERT }, 'h:5000/a.key: it is not a private key in PEM'],
  ])('%#', async (files, message) => {
    const machine = openMachine()
    for (const [name, text] of Object.entries(files)) machine.write(`etc/docker/certs.d/h:5000/${name}`, text)
    await expect(tlsOf(machine)).rejects.toMatchObject({
      code: 'REGISTRY_CONFIG_INVALID',
      message: expect.stringContaining(message),
    })
  })
})

describe('certificates that hosts.toml names', () => {
  const FOLDER = 'etc/containerd/certs.d/h_5000_'

  test.each([
    ['ca = "ca.pem"', { ca: [CERT], verify: true }],
    ['ca = ["ca.pem", "sub/ca.pem"]', { ca: [CERT, CERT], verify: true }],
    ['client = "both.pem"', { ca: [], client: { cert: CERT + KEY, key: CERT + KEY }, verify: true }],
    ['client = ["both.pem"]', { ca: [], client: { cert: CERT + KEY, key: CERT + KEY }, verify: true }],
    ['client = [["ca.pem", "key.pem"]]', { ca: [], client: { cert: CERT, key: KEY }, verify: true }],
    ['client = [["both.pem", ""]]', { ca: [], client: { cert: CERT + KEY, key: CERT + KEY }, verify: true }],
  ])('%s', async (line, expected) => {
    const machine = openMachine()
    machine.write(`${FOLDER}/hosts.toml`, line)
    machine.write(`${FOLDER}/sub/ca.pem`, CERT)
    machine.write(`${FOLDER}/ca.pem`, CERT)
    machine.write(`${FOLDER}/key.pem`, KEY)
    machine.write(`${FOLDER}/both.pem`, CERT + KEY)
    expect(await tlsOf(machine)).toEqual(expected)
  })

  test('are used besides those of certs.d', async () => {
    const machine = openMachine()
    machine.write(`${FOLDER}/hosts.toml`, 'ca = "ca.pem"')
    machine.write(`${FOLDER}/ca.pem`, CERT)
    machine.write('etc/docker/certs.d/h:5000/a.crt', CERT)
    expect((await tlsOf(machine)).ca).toEqual([CERT, CERT])
  })
})
