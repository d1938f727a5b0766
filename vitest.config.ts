import { defineConfig, type ViteUserConfig } from 'vitest/config'

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // Mounts and runtimes are started from processes, never from worker threads: a thread shares namespaces badly.
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})

export default config
