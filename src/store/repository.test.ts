import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { imageTargetSuite } from '../oci/repository.suite.ts'
import { openRepository, openStore } from './index.ts'

imageTargetSuite('the store', {
  tags: ['docker.io/library/app:1', 'docker.io/library/app:2'],
  async open() {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-repository-'))
    const store = openStore(folder)
    const lease = store.lease()
    return {
      repository: openRepository(store, lease),
      async close() {
        lease[Symbol.dispose]()
        store[Symbol.dispose]()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
})
