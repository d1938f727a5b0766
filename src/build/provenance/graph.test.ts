import { expect, test } from 'vitest'
import type { Op, Vertex } from '../graph.ts'
import type { RunOp } from '../ops/run.ts'
import { createVertex } from '../plan/stage-state.ts'
import { graphDefinition } from './graph.ts'

const arm = { os: 'linux', architecture: 'arm64' }
const vertex = (op: Op, ...inputs: Vertex[]): Vertex => createVertex(op, inputs, { label: '' })
const base = vertex({ kind: 'image', reference: 'docker.io/library/b@sha256:0', platform: arm, diffIds: [] })

const RUN: RunOp = {
  kind: 'run',
  args: ['/bin/sh', '-c', 'make'],
  script: null,
  env: ['A=1'],
  cwd: '/src',
  user: 'me',
  network: 'none',
  hostname: 'h',
  extraHosts: ['internal=10.0.0.1'],
  shmSize: null,
  security: 'sandbox',
  ulimits: [],
  mounts: [
    { type: 'secret', id: 'key', target: '/run/secrets/key', env: null, required: true, mode: 0o400, uid: 0, gid: 0 },
    { type: 'secret', id: 'token', target: null, env: 'TOKEN', required: false, mode: 0o400, uid: 0, gid: 0 },
    { type: 'tmpfs', target: '/tmp', size: null, readonly: false },
    { type: 'bind', target: '/in', input: 1, source: '/', readonly: true },
  ],
  unkeyed: {
    proxyEnv: ['http_proxy=http://me:hush@proxy'],
    hostCa: '/etc/ca',
    resources: {},
    cgroupParent: null,
    args: [],
  },
}

test('a step with its mounts, on its platform, without what only this machine knows', () => {
  const run = vertex(RUN, base, vertex({ kind: 'context', name: 'context' }))
  const { steps, ids } = graphDefinition(run, { os: 'linux', architecture: 'amd64' })
  expect(steps.map(({ id, inputs }) => [id, inputs])).toEqual([
    ['step0', undefined],
    ['step1', undefined],
    ['step2', ['step0:0', 'step1:0']],
    ['step3', ['step2:0']],
  ])
  expect(ids.get(run.id)).toBe('step2')
  expect(steps[2]!.op).toEqual({
    Op: {
      exec: {
        meta: { args: ['/bin/sh', '-c', 'make'], env: ['A=1'], cwd: '/src', user: 'me' },
        mounts: [
          { dest: '/' },
          { dest: '/run/secrets/key', mountType: 1, secretOpt: { ID: 'key' } },
          { dest: '/tmp', mountType: 4 },
          { input: 1, selector: '/', dest: '/in', readonly: true },
        ],
        secretenv: [{ ID: 'token', name: 'TOKEN' }],
        network: 2,
      },
    },
    platform: { Architecture: 'arm64', OS: 'linux' },
    constraints: {},
  })
  expect(JSON.stringify(steps)).not.toMatch(/hush|10\.0\.0\.1|etc\/ca/)
})

test('a graph of any depth, each step once', () => {
  let top = base
  for (let at = 0; at < 20_000; at++) top = vertex({ kind: 'folder', path: `/${at}`, user: '', time: 0 }, top)
  const { steps } = graphDefinition(top, arm)
  expect(steps).toHaveLength(20_002)
  const diamond = vertex({ ...RUN, mounts: [] }, top, top)
  expect(graphDefinition(diamond, arm).steps).toHaveLength(20_003)
})
