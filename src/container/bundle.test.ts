import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { silentJob } from '../core/index.ts'
import { findProgram, removeCgroup } from '../host/index.ts'
import { type BundleRequest, writeBundle } from './bundle.ts'
import { openKeeper } from './keeper-client.ts'

const FILTER = 'run.oci.seccomp_bpf_data'

test('a compiled filter goes along with the one that is described', () => {
  expect(configOf({}).annotations).toBeUndefined()
  const config = configOf({ seccompFilter: 'Zm9v' })
  expect(config.annotations).toEqual({ [FILTER]: 'Zm9v' })
  expect(config.linux.seccomp.syscalls.length).toBeGreaterThan(0)
})

test('a privileged process gets no filter at all', () => {
  const config = configOf({ seccompFilter: 'Zm9v' }, { privileged: true })
  expect(config.annotations).toBeUndefined()
  expect(config.linux.seccomp).toBeUndefined()
})

const canProbe = process.getuid?.() === 0 && findProgram('crun') !== undefined

test.skipIf(!canProbe)(
  'crun compiles the filter once, when the machine is looked at (needs root and crun)',
  async () => {
    using folder = temporaryFolder()
    await using keeper = openKeeper({ processes: true })
    const request = {
      folder: path.join(folder.path, 'probe'),
      id: `probe-${process.pid}`,
      cgroup: `/slipway-test-${process.pid}`,
    }
    const facts = await keeper.call('probe', request, silentJob)
    removeCgroup(request.cgroup)
    if (!facts.runtime?.endsWith('/crun')) return
    // instructions of classic BPF take 8 bytes; one for each call at least
    const bytes = Buffer.from(facts.seccompFilter ?? '', 'base64').length
    expect(bytes % 8).toBe(0)
    expect(bytes / 8).toBeGreaterThan(300)
  },
)

interface Config {
  annotations?: Record<string, string>
  linux: { seccomp: { syscalls: unknown[] } }
}

function configOf(
  runtime: Pick<BundleRequest['runtime'], 'seccompFilter'>,
  changes: Partial<BundleRequest['process']> = {},
): Config {
  using folder = temporaryFolder()
  const plain = {
    args: ['true'],
    env: [],
    cwd: '/',
    hostname: 'x',
    terminal: false,
    network: 'none' as const,
    mounts: [],
  }
  const request: BundleRequest = {
    id: 'x',
    runtime: { program: '/usr/bin/crun', stateFolder: '/nonexistent', cgroup: '/x', ...runtime },
    user: '0',
    process: { ...plain, ...changes },
  }
  writeBundle(folder.path, folder.path, request)
  return JSON.parse(readFileSync(path.join(folder.path, 'config.json'), 'utf8')) as Config
}

function temporaryFolder(): { path: string } & Disposable {
  const made = mkdtempSync(path.join(tmpdir(), 'slipway-bundle-'))
  return { path: made, [Symbol.dispose]: () => rmSync(made, { recursive: true, force: true }) }
}
