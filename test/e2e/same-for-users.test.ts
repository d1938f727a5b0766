/** The same build gives the same digest for root and for an ordinary user: nothing of the machine or the user gets into an image. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const NOBODY = 65_534
const bin = path.resolve(import.meta.dirname, '../../src/cli/bin.ts')
const isRoot = process.getuid?.() === 0

let work: string

beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'slipway-users-'))
  chmodSync(work, 0o755)
})

afterEach(() => rmSync(work, { recursive: true, force: true }))

/** Builds in a folder that belongs to a user, as that user; what `--metadata-file` gets. */
function build(name: string, uid: number): unknown {
  const home = path.join(work, name)
  mkdirSync(home)
  cpSync(path.join(work, 'context'), path.join(home, 'context'), { recursive: true })
  chownSync(home, uid, uid)
  const args = ['--root', path.join(home, 'store'), 'build', '-q', '--provenance=false']
  const outputs = ['-o', `type=oci,dest=${path.join(home, 'o.tar')}`]
  const argv = [bin, ...args, ...outputs, path.join(home, 'context')]
  const env = { HOME: home, TMPDIR: home, PATH: process.env['PATH'], SOURCE_DATE_EPOCH: '1700000000' }
  const { stdout, stderr, status } = spawnSync(process.execPath, argv, {
    uid,
    gid: uid,
    env,
    cwd: home,
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  const { stdout: sum } = spawnSync('sha256sum', [path.join(home, 'o.tar')], { encoding: 'utf8' })
  return [stdout, sum.split(' ')[0]]
}

test.skipIf(!isRoot)(
  'root and nobody build the same bytes (needs root)',
  () => {
    const context = path.join(work, 'context')
    mkdirSync(path.join(context, 'sub'), { recursive: true })
    writeFileSync(path.join(context, 'sub/file'), 'text')
    writeFileSync(
      path.join(context, 'Dockerfile'),
      'FROM scratch\nWORKDIR /w\nCOPY . .\nADD --chown=7:8 sub /x/\nLABEL a=b\n',
    )
    expect(build('nobody', NOBODY)).toEqual(build('root', 0))
  },
  60_000,
)
