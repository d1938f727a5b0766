import { imageTargetSuite } from '../oci/repository.suite.ts'
import { MemoryRepository } from './index.ts'

imageTargetSuite('memory', {
  tags: ['first', 'second'],
  open: async () => ({ repository: new MemoryRepository() }),
})
