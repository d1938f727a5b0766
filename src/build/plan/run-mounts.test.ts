import { expect, test } from 'vitest'
import { errorOf, planText } from '../fixture.suite.ts'
import type { RunOp } from '../ops/run.ts'

/** The mounts of the last RUN, and how many inputs its vertex has. */
async function plan(lines: string, options: Parameters<typeof planText>[1] = {}) {
  const { vertex } = await planText(`FROM base\n${lines}\n`, options)
  return { mounts: (vertex.op as RunOp).mounts, inputs: vertex.inputs.length, label: vertex.label }
}

test('files come from the context, a stage or an image; the same ones are one input', async () => {
  const { mounts, inputs } = await plan(
    'WORKDIR /w\nRUN --mount=target=a --mount=source=../x/./y,target=/b,rw --mount=from=base,target=/c x',
  )
  expect(mounts).toEqual([
    { type: 'bind', target: '/w/a', input: 1, source: '/', readonly: true },
    { type: 'bind', target: '/b', input: 1, source: '/x/y', readonly: false },
    { type: 'bind', target: '/c', input: 2, source: '/', readonly: true },
  ])
  expect(inputs).toBe(3)
})

test('a cache has its target as id, and attributes only of a folder of its own', async () => {
  const cache = { type: 'cache', namespace: '', sharing: 'shared', input: null, source: '/', readonly: false }
  const none = { mode: null, uid: null, gid: null }
  const { mounts } = await plan(
    'ENV K=k\nRUN --mount=type=cache,target=/a/./b/ --mount=type=cache,id=$K,target=/c,uid=3,sharing=locked,ro --mount=type=cache,target=/d,from=base,source=e,mode=0700 x',
    { buildArgs: { BUILDKIT_CACHE_MOUNT_NS: 'ns' } },
  )
  expect(mounts).toEqual([
    { ...cache, ...none, namespace: 'ns', target: '/a/b', id: '/a/b' },
    {
      ...cache,
      namespace: 'ns',
      target: '/c',
      id: 'k',
      sharing: 'locked',
      readonly: true,
      mode: 0o755,
      uid: 3,
      gid: 0,
    },
    { ...cache, ...none, namespace: 'ns', target: '/d', id: '/d', input: 1, source: '/e' },
  ])
})

test('secrets and agents have places of their own', async () => {
  const secret = { type: 'secret', required: false, mode: 0o400, uid: 0, gid: 0, env: null }
  const ssh = { type: 'ssh', required: false, mode: 0o600, uid: 0, gid: 0 }
  const { mounts, label } = await plan(
    'RUN --mount=type=secret,id=a/b --mount=type=secret,target=/c/d,mode=0440 --mount=type=secret,id=e,env=E,required --mount=type=ssh --mount=type=ssh,id=f,target=/g --mount=type=ssh,id=h x $E',
  )
  expect(mounts).toEqual([
    { ...secret, id: 'a/b', target: '/run/secrets/b' },
    { ...secret, id: 'd', target: '/c/d', mode: 0o440 },
    { ...secret, id: 'e', target: null, env: 'E', required: true },
    { ...ssh, id: 'default', target: '/run/buildkit/ssh_agent.0' },
    { ...ssh, id: 'f', target: '/g' },
    { ...ssh, id: 'h', target: '/run/buildkit/ssh_agent.2' },
  ])
  expect(label).toContain(' x ****')
})

test.each([
  ['RUN --mount=type=tmpfs,target=/t,size=x true', '2: invalid value for size: x'],
  ['RUN --mount=type=secret,id=a,target=. true', '2: invalid mount target "/"'],
  ['RUN --mount=from=none,target=/x true', '2: none: not found'],
])('%s fails', async (lines, error) => {
  expect(await errorOf(plan(lines))).toBe(error)
})
