import { writeSync } from 'node:fs'

/** Writes all of `bytes` at a place of a file, or where it stands, however many calls that takes. */
export function writeAll(fd: number, bytes: Uint8Array, position: number | null): void {
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(fd, bytes, at, bytes.length - at, position === null ? null : position + at)
  }
}
