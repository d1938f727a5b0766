import { posix } from 'node:path'

/** Go's `filepath.Clean` on Linux: the shortest path that means the same; `.` for nothing, no slash at the end. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path)
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean
}

/** The directory that WORKDIR leads to from the one before; the root if there is none. */
export function resolveWorkdir(current: string, path: string): string {
  return cleanPath(posix.resolve('/', current, path))
}
