import { type ByteString, silentJob, toByteString } from '../core/index.ts'
import { type Files, type Package, type Scan, scanFiles } from './index.ts'

/** Files in memory, by path without a leading slash. */
export function filesOf(texts: Readonly<Record<string, string | Uint8Array>>): Files {
  const all = new Map(Object.entries(texts).map(([name, text]) => [toByteString(name), Buffer.from(text as string)]))
  return {
    walk: () => [...all.keys()].sort().map((path) => ({ path, kind: 'file' })),
    readFile(path: ByteString, maxBytes: number) {
      const found = all.get(path)
      if (found && found.length > maxBytes) throw new Error('too large')
      return found
    },
  }
}

/** What a scan finds in such files. */
export async function scanOf(texts: Readonly<Record<string, string | Uint8Array>>): Promise<Scan> {
  return scanFiles(filesOf(texts), silentJob)
}

/** The same, the packages alone. */
export async function packagesOf(texts: Readonly<Record<string, string | Uint8Array>>): Promise<readonly Package[]> {
  return (await scanOf(texts)).packages
}

/** os-release of Debian 12 and of Alpine 3.20. */
export const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
export const ALPINE = "NAME='Alpine Linux'\nID=alpine\nVERSION_ID=3.20.1\n"
