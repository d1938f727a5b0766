import { afterAll, beforeAll, describe } from 'vitest'
import { imageTargetSuite } from '../oci/repository.suite.ts'
import { hasDockerRegistry, type RunningRegistry, settingsFor, startDockerRegistry } from './docker-registry.suite.ts'
import { openRegistryRepository } from './index.ts'

describe.skipIf(!hasDockerRegistry)('against docker-registry (skipped where it is not installed)', () => {
  let registry: RunningRegistry
  let count = 0

  beforeAll(async () => {
    registry = await startDockerRegistry()
  })
  afterAll(() => registry[Symbol.asyncDispose]())

  imageTargetSuite('a repository of a registry', {
    tags: ['1.0', 'latest'],
    open: async () => {
      const name = { domain: registry.domain, path: `team/app${++count}` }
      const repository = openRegistryRepository(name, { settings: settingsFor(), patience: { firstPause: 1 } })
      return { repository, close: () => repository.close() }
    },
  })
})
