import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { syncFileSystem, syncFolder } from './sync.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-sync-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// whether bytes reach a disk cannot be seen from here; that the calls are made and fail when they should, can
test.each([syncFolder, syncFileSystem])('%o', (sync) => {
  expect(() => sync(folder)).not.toThrow()
  expect(() => sync(path.join(folder, 'none'))).toThrow(/ENOENT/)
})
