import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { imageTargetSuite } from '../../../oci/repository.suite.ts'
import { repositoryTarget } from '../repository-target.ts'
import { openFolder } from './folder.ts'

imageTargetSuite("a registry's folder", {
  tags: ['1.0', 'latest'],
  async open() {
    const root = mkdtempSync(path.join(os.tmpdir(), 'slipway-registry-'))
    const storage = openFolder(root)
    return {
      repository: repositoryTarget(storage, 'team/app'),
      async close() {
        await storage[Symbol.asyncDispose]()
        rmSync(root, { recursive: true, force: true })
      },
    }
  },
})
