import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { errnoOf, fail } from '../../core/index.ts'
import type { TlsSettings } from '../settings.ts'
import { invalidFile, readConfigFile } from './config-file.ts'

/** Whom to trust at a host, and how to show who we are. */
export type Certificates = Pick<TlsSettings, 'ca' | 'client'>

/** More than anybody keeps for one registry. */
const MAX_FILES = 200

/**
 * The certificates in the first of the folders `ROOT/HOST:PORT` that is there: `*.crt` are authorities, `*.cert` with
 * `*.key` of the same name is ours. Fails with `REGISTRY_CONFIG_INVALID`.
 */
export function readCertificates(roots: readonly string[], hosts: readonly string[]): Certificates {
  for (const root of roots) {
    for (const host of hosts) {
      const folder = path.join(root, host)
      const names = isFolderName(host) ? namesIn(folder) : undefined
      if (names) return certificatesIn(folder, names)
    }
  }
  return { ca: [] }
}

/** Whether a host is a name for a folder, and does not lead elsewhere. */
export function isFolderName(host: string): boolean {
  return host !== '' && host !== '.' && host !== '..' && !host.includes('/') && !host.includes('\0')
}

/** Reads one PEM file with certificates. */
export function readCertificate(file: string): string {
  return readPem(file, (pem) => new X509Certificate(pem), 'a certificate in PEM')
}

/** Reads a certificate and its key; they may stand in one file. */
export function readClientCertificate(cert: string, key: string): { cert: string; key: string } {
  return {
    cert: readCertificate(cert),
    key: readPem(key, createPrivateKey, 'a private key in PEM without a passphrase'),
  }
}

function certificatesIn(folder: string, names: readonly string[]): Certificates {
  const ca = names.filter((name) => name.endsWith('.crt')).map((name) => readCertificate(path.join(folder, name)))
  const [own] = names
    .filter((name) => name.endsWith('.cert'))
    .map((name) => {
      const key = `${name.slice(0, -'.cert'.length)}.key`
      if (names.includes(key)) return readClientCertificate(path.join(folder, name), path.join(folder, key))
      throw fail('REGISTRY_CONFIG_INVALID', `${folder}: missing key ${key} for client certificate ${name}`, {
        hint: 'CA certificates must use the extension .crt',
      })
    })
  const orphan = names.find((name) => name.endsWith('.key') && !names.includes(`${name.slice(0, -4)}.cert`))
  if (orphan) {
    const cert = `${orphan.slice(0, -4)}.cert`
    throw fail('REGISTRY_CONFIG_INVALID', `${folder}: missing client certificate ${cert} for key ${orphan}`)
  }
  return own ? { ca, client: own } : { ca }
}

function namesIn(folder: string): string[] | undefined {
  try {
    return readdirSync(folder).sort().slice(0, MAX_FILES)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined
    throw fail('REGISTRY_CONFIG_INVALID', `${folder} cannot be read (${errnoOf(error) ?? 'unknown error'})`, {
      cause: error,
    })
  }
}

function readPem(path: string, check: (pem: Buffer) => unknown, what: string): string {
  const file = readConfigFile(path)
  if (!file) throw fail('REGISTRY_CONFIG_INVALID', `open ${path}: no such file or directory`)
  try {
    check(file.bytes)
  } catch {
    throw invalidFile(file, undefined, `it is not ${what}`)
  }
  return file.bytes.toString('latin1')
}
