import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { callMain } from '../fixture.suite.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

async function metadata(env: Record<string, string>, ...flags: string[]): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-metadata-'))
  folders.push(folder)
  writeFileSync(path.join(folder, 'Dockerfile'), 'FROM scratch\ncopy Dockerfile /\n')
  const file = path.join(folder, 'meta.json')
  const argv = ['--root', temporaryStore().root, 'build', '-q', '--metadata-file', file, ...flags, folder]
  expect(await callMain(argv, { env })).toMatchObject({ code: 0, err: '' })
  return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
}

const TOLD = ['buildx.build.provenance', 'buildx.build.ref']

test('the file says how the image was made, also of what is no image', async () => {
  const { 'buildx.build.provenance': made, ...rest } = await metadata({}, '-t', 'app')
  expect(made).toMatchObject({ buildDefinition: { internalParameters: { builderPlatform: expect.any(String) } } })
  expect(JSON.stringify(made)).not.toContain('llbDefinition')
  expect(Object.keys(rest)).toEqual([
    'buildx.build.ref',
    'containerimage.config.digest',
    'containerimage.descriptor',
    'containerimage.digest',
    'image.name',
  ])
  expect(Object.keys(await metadata({}, '-o', 'type=cacheonly'))).toEqual(TOLD)
})

test('each of several platforms has its own', async () => {
  const keys = Object.keys(await metadata({}, '-o', 'type=cacheonly', '--platform', 'linux/amd64,linux/arm64'))
  expect(keys).toEqual([`${TOLD[0]}/linux/amd64`, `${TOLD[0]}/linux/arm64`, TOLD[1]])
})

test('the variables of buildx say how much is told', async () => {
  const off = await metadata({ BUILDX_METADATA_PROVENANCE: 'disabled' }, '-o', 'type=cacheonly')
  expect(Object.keys(off)).toEqual([TOLD[1]])
  const max = await metadata({ BUILDX_METADATA_PROVENANCE: 'max' }, '-o', 'type=cacheonly')
  expect(JSON.stringify(max)).toContain('llbDefinition')
  const warned = await metadata({ BUILDX_METADATA_WARNINGS: '1' }, '-o', 'type=cacheonly')
  const [warning] = warned['buildx.build.warnings'] as { short: string; range: unknown; sourceInfo: unknown }[]
  expect(Buffer.from(warning!.short, 'base64').toString()).toMatch(/^ConsistentInstructionCasing: .* \(line 2\)$/)
  expect(warning).toMatchObject({
    level: 1,
    sourceInfo: { language: 'Dockerfile' },
    range: [{ start: { line: 2 }, end: { line: 2 } }],
  })
})
