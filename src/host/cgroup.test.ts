import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { listCgroups, removeCgroup, warmCgroups } from './cgroup.ts'

const MOUNT = '/sys/fs/cgroup'
const parent = `/slipway-test-${process.pid}`
/** A hierarchy in which groups can be made: the only one of version 2, or one of version 1. */
const hierarchy = ['pids', 'unified', '']
  .map((name) => path.join(MOUNT, name))
  .find((folder) => existsSync(path.join(folder, 'cgroup.procs')))
const canMake = ((): boolean => {
  try {
    mkdirSync(path.join(hierarchy ?? '/nowhere', parent))
    removeCgroup(parent)
    return true
  } catch {
    return false
  }
})()

afterEach(() => removeCgroup(parent))

describe.skipIf(!canMake)('control groups (need root and a writable hierarchy)', () => {
  test('are listed and removed with those below them', () => {
    mkdirSync(path.join(hierarchy!, parent, 'one/two/three'), { recursive: true })
    mkdirSync(path.join(hierarchy!, parent, 'other'))
    expect(listCgroups(parent).sort()).toEqual(['one', 'other'])
    removeCgroup(`${parent}/one`)
    expect(listCgroups(parent)).toEqual(['other'])
    removeCgroup(parent)
    expect(readdirSync(hierarchy!)).not.toContain(parent.slice(1))
  })
})

test('a group that is not there', () => {
  expect(listCgroups('/slipway-test-no-such')).toEqual([])
  expect(() => removeCgroup('/slipway-test-no-such')).not.toThrow()
})

test('a process that warms up stays in its groups', async () => {
  const before = readFileSync('/proc/self/cgroup', 'utf8')
  await warmCgroups()
  expect(readFileSync('/proc/self/cgroup', 'utf8')).toBe(before)
})
