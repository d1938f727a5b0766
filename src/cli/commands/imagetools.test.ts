import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type CommandLine, openCommandLine } from '../fixture.suite.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

async function built(...args: string[]): Promise<CommandLine> {
  const slipway = openCommandLine()
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-imagetools-'))
  folders.push(folder)
  writeFileSync(path.join(folder, 'Dockerfile'), 'FROM scratch\nCOPY package-lock.json /\n')
  writeFileSync(path.join(folder, 'package-lock.json'), '{"packages":{"node_modules/a":{"version":"1.0.0"}}}')
  const answer = await slipway('build', '-q', '-t', 'app', ...args, folder)
  expect(answer.err).toBe('')
  return slipway
}

test('manifests and what is attached to them', async () => {
  const slipway = await built('--sbom=true', '--provenance=mode=min', '--platform', 'linux/amd64')
  const { out } = await slipway('buildx', 'imagetools', 'inspect', 'app')
  expect(out).toMatch(
    /^Name: +docker\.io\/library\/app:latest\nMediaType: application\/vnd\.oci\.image\.index\.v1\+json\nDigest: +sha256:/,
  )
  expect(out).toMatch(
    /Manifests:\n {2}Name: +docker\.io\/library\/app:latest@sha256:[0-9a-f]{64}\n.*\n {2}Platform: +linux\/amd64\n/,
  )
  expect(out).toMatch(/Platform: +unknown\/unknown\n {2}Annotations: *\n {4}vnd\.docker\.reference\.digest: sha256:/)
  const of = async (format: string): Promise<string> =>
    (await slipway('imagetools', 'inspect', 'app', '--format', format)).out
  expect(await of('{{range .SBOM.SPDX.packages}}{{.name}} {{end}}')).toBe('app:latest a \n')
  expect(await of('{{.Provenance.SLSA.buildDefinition.externalParameters.request.frontend}}')).toBe('dockerfile.v0\n')
  expect(await of('{{.Image.architecture}}')).toBe('amd64\n')
  expect(JSON.parse((await slipway('imagetools', 'inspect', '--raw', 'app')).out)).toMatchObject({
    schemaVersion: 2,
    manifests: [{}, {}],
  })
})

test('of several platforms each has its own', async () => {
  const slipway = await built('--sbom=true', '--platform', 'linux/amd64,linux/arm64')
  const { out } = await slipway('imagetools', 'inspect', 'app', '-f', '{{json .SBOM}}')
  const found = JSON.parse(out) as Record<string, { SPDX: { packages: unknown[] } }>
  expect(Object.keys(found)).toEqual(['linux/amd64', 'linux/arm64'])
  expect(found['linux/arm64']!.SPDX.packages).toHaveLength(2)
})

test('an image without attestations has none', async () => {
  const slipway = await built()
  expect((await slipway('imagetools', 'inspect', 'app', '-f', '{{json .SBOM}}{{json .Provenance}}')).out).toBe('{}{}\n')
  expect((await slipway('imagetools', 'inspect', 'app')).out).not.toContain('Manifests')
  expect((await slipway('imagetools', 'inspect', 'store:none')).err).toContain('No such image: none:latest')
})
