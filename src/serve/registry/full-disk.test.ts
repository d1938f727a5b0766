import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { isRoot } from '../../host/child.suite.ts'
import { putBlob, putImage, send, startRegistry } from './fixture.suite.ts'
import { upkeepPart } from './upkeep/upkeep.ts'

/** A file system of its own, so that filling it harms nobody. */
function smallDisk(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-small-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=80m', 'slipway-test', folder])
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', folder])
    rmdirSync(folder)
  })
  return folder
}

function fill(folder: string): string {
  const file = path.join(folder, 'filler')
  for (let size = freeBytes(folder); freeBytes(folder) > 0 && size > 0; ) {
    const part = Math.min(size, 1 << 20)
    writeFileSync(file, Buffer.alloc(part), { flag: 'a' })
    size -= part
  }
  return file
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

test.skipIf(!isRoot)('on a full disk pushes say so, pulls go on, and deleting makes room', async () => {
  const disk = smallDisk()
  const gc = { every: 3_600_000, blob_grace: 0, manifest_grace: 0 }
  const server = await startRegistry({ root: path.join(disk, 'registry'), parts: [upkeepPart], config: { gc } })
  const image = await putImage(server, 'app', 'v1')
  const layer = randomBytes(4_000_000)
  const digest = await putBlob(server, 'app', layer)
  const before = freeBytes(disk)
  const large = randomBytes(before)

  // what did not fit leaves nothing behind
  await expect(putBlob(server, 'app', large)).rejects.toThrow('507')
  await expect.poll(() => freeBytes(disk)).toBeGreaterThan(before - 1_000_000)

  const filler = fill(disk)
  await expect(putBlob(server, 'app', randomBytes(2_000_000))).rejects.toThrow('the registry has no space left')
  expect((await send(server, 'GET', '/v2/app/manifests/v1')).body).toEqual(image.bytes)
  expect((await send(server, 'GET', `/v2/app/blobs/${digest}`)).body).toEqual(layer)
  expect((await send(server, 'GET', '/readyz')).status).toBe(503)
  expect((await send(server, 'DELETE', '/v2/app/manifests/v1')).status).toBe(202)
  expect((await send(server, 'DELETE', `/v2/app/blobs/${digest}`)).status).toBe(202)
  const run = JSON.parse((await send(server, 'POST', '/api/v1/gc')).body.toString())
  expect(run).toMatchObject({ manifests: 1, blobs: 2 })
  await putBlob(server, 'app', randomBytes(1_000_000))
  rmSync(filler)
  expect((await send(server, 'GET', '/readyz')).status).toBe(200)
})
