import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { inChild, isRoot, PRIVATE_MOUNTS, temporaryFolder } from './child.suite.ts'
import { hideHybridCgroup } from './index.ts'

const HYBRID = ' /sys/fs/cgroup/unified '

describe.skipIf(!isRoot)('a process that was started in a mount namespace (needs root)', () => {
  test('shares its mounts with nobody afterwards', async () => {
    const shared = await inChild(
      ({ host, fs }) => {
        host.adoptPrivateMounts()
        return fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(' shared:')
      },
      0,
      { wrapper: ['unshare', '--mount', '--propagation', 'shared'] },
    )
    expect(shared).toBe(false)
  })

  test('sees what it mounts in asynchronous calls and in programs that it starts, too', async () => {
    const at = temporaryFolder()
    const seen = await inChild(
      async ({ host, fs, childProcess }, target) => {
        await Promise.all(Array.from({ length: 16 }, () => fs.promises.readdir(target)))
        host.adoptPrivateMounts()
        host.mount({ type: 'tmpfs', source: 'test', options: [] }, target)
        await fs.promises.writeFile(`${target}/file`, 'x')
        return {
          here: fs.readdirSync(target),
          pool: await fs.promises.readdir(target),
          program: childProcess.execFileSync('ls', [target], { encoding: 'utf8' }).trim(),
        }
      },
      at,
      { wrapper: PRIVATE_MOUNTS },
    )
    expect(seen).toEqual({ here: ['file'], pool: ['file'], program: 'file' })
  })

  test.each([
    ['private', 'adopted'],
    ['shared', 'MOUNTS_SHARED'],
  ])('in a chroot whose root is no mount point and whose mounts are %s: %s', async (propagation, expected) => {
    const at = temporaryFolder()
    mkdirSync(path.join(at, 'proc'))
    const outcome = await inChild(
      ({ host, syscalls }, root) => {
        host.bindMount('/proc', `${root}/proc`)
        syscalls.call('int chroot(const uint8_t *path)', [syscalls.cPath(root)])
        process.chdir('/')
        try {
          host.adoptPrivateMounts()
          return 'adopted'
        } catch (error) {
          return (error as NodeJS.ErrnoException).code
        }
      },
      at,
      { wrapper: ['unshare', '--mount', '--propagation', propagation] },
    )
    expect(outcome).toBe(expected)
  })

  test('hides the second cgroup tree of a hybrid host, from itself only', async () => {
    const before = readFileSync('/proc/self/mountinfo', 'utf8').includes(HYBRID)
    const seen = await inChild(
      ({ host, fs }, wanted) => {
        host.adoptPrivateMounts()
        host.hideHybridCgroup()
        host.hideHybridCgroup() // nothing there any more
        return fs.readFileSync('/proc/self/mountinfo', 'utf8').includes(wanted)
      },
      HYBRID,
      { wrapper: PRIVATE_MOUNTS },
    )
    expect(seen).toBe(false)
    expect(readFileSync('/proc/self/mountinfo', 'utf8').includes(HYBRID)).toBe(before)
  })
})

test('a process without a namespace of its own leaves the host’s cgroups alone', () => {
  expect(() => hideHybridCgroup()).toThrow(/outside of a private mount namespace/)
})
