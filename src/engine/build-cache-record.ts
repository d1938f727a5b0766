/** Something that builds keep, as `builder du` shows it. */
export interface CacheRecord {
  /** Of the form of BuildKit's: 25 letters and digits. */
  id: string
  /** As in BuildKit: `regular`, `source.local`, `internal`, `exec.cachemount`, `source.git.checkout`. */
  type: string
  description: string
  bytes: number
  /** Whether images have its layers, too. */
  shared: boolean
  /** Whether it changes: a list of files, a cache mount. */
  mutable: boolean
  /** Whether a step uses it now; then it cannot be removed. */
  inUse: boolean
  /** Unix milliseconds. */
  createdAt: number
  usedAt: number
  uses: number
}
