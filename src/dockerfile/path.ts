import { posix } from 'node:path'

/** Go's `filepath.Clean` on Linux: the shortest path that means the same; `.` for nothing, no slash at the end. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path)
  return clean.length > 1 && clean.endsWith('/') ? clean.slice(0, -1) : clean
}
