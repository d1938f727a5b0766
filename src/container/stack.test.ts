import { describe, expect, test } from 'vitest'
import { type ChildTools, inChild, isRoot, PRIVATE_MOUNTS, temporaryFolder } from '../host/child.suite.ts'

/** Mounts two tmpfs stacks that share one; tells what is seen. */
async function mountTwice({ host, fs, load }: ChildTools, { folder }: { folder: string }): Promise<unknown> {
  const { MountedStacks } = await load<typeof import('./stack.ts')>('container/stack.ts')
  host.adoptPrivateMounts()
  const mounted = (at: string): boolean => fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${at} `)
  const stacks = new MountedStacks()
  const shared = `${folder}/shared`
  const part = { type: 'tmpfs', source: 'tmpfs', options: [], target: shared }
  const top = { type: 'tmpfs', source: 'tmpfs', options: [] }
  const [one, two] = [`${folder}/a/one`, `${folder}/two`]
  const first = stacks.mount([part, top], one)
  fs.writeFileSync(`${shared}/mark`, '')
  const second = stacks.mount([part, top], two)
  const before = [mounted(one), mounted(two), mounted(shared), fs.existsSync(`${shared}/mark`)]
  first[Symbol.dispose]()
  const between = [mounted(one), fs.existsSync(one), mounted(two), mounted(shared)]
  second[Symbol.dispose]()
  // what is gone can be mounted again
  stacks.mount([part, top], one)[Symbol.dispose]()
  return { before, between, after: [mounted(two), mounted(shared)] }
}

describe.skipIf(!isRoot)('stacks (needs root)', () => {
  test('share what has a target of its own, and end one by one', async () => {
    const result = await inChild(mountTwice, { folder: temporaryFolder() }, { wrapper: PRIVATE_MOUNTS })
    expect(result).toEqual({
      before: [true, true, true, true],
      between: [false, false, true, true],
      after: [false, true],
    })
  })
})
