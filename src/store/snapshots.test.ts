import { describe } from 'vitest'
import { kernelMountsIndexes, snapshotterSuite } from './snapshots.suite.ts'

const FORMS = [
  { name: 'committed layers', pending: 0 },
  { name: 'a directory on top', pending: 1 },
  { name: 'two directories on top', pending: 2 },
]

describe.skipIf(!kernelMountsIndexes())('layers mounted from their index (needs Linux 6.12.2)', () => {
  snapshotterSuite('erofs', FORMS)
})

describe('layers unpacked into directories', () => {
  snapshotterSuite('directory', FORMS)
})
