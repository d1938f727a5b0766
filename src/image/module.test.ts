import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { isImageModule } from './index.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-module-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

// in a process of its own: the test runner has another way to import
const SCRIPT = `import { loadImageModule, toDockerfile } from '${import.meta.dirname}/index.ts'
const [file, buildArgs] = process.argv.slice(1)
const answer = await loadImageModule(file, { buildArgs: JSON.parse(buildArgs) }).then(toDockerfile, String)
process.stdout.write(answer)`

let count = 0
/** The Dockerfile of the module with this text, or what went wrong. */
async function load(text: string, buildArgs: Record<string, string> = {}): Promise<string> {
  const file = path.join(folder, `m${count++}.image.ts`)
  writeFileSync(file, text)
  const args = ['--input-type=module', '-e', SCRIPT, file, JSON.stringify(buildArgs)]
  return (await promisify(execFile)(process.execPath, args)).stdout
}

describe('a module', () => {
  test('exports an image', async () => {
    const text = "import { from, type Image } from 'slipway/image'\nexport default from('busybox').run('true') as Image"
    expect(await load(text)).toBe('FROM busybox\nRUN true\n')
  })

  test('or a function that makes one of the build arguments', async () => {
    const text = "import { from } from 'slipway/image'\nexport default async ({ buildArgs }) => from(buildArgs.BASE)"
    expect(await load(text, { BASE: 'debian' })).toBe('FROM debian\n')
  })

  test('that fails, or has none, is an error with its name', async () => {
    expect(await load("throw new Error('no luck')")).toMatch(/m\d\.image\.ts: no luck/)
    expect(await load('export default 5')).toMatch(/has no image as its default export/)
    expect(await load('export const image = 5')).toMatch(/has no image as its default export/)
  })
})

test('is known by its name', () => {
  expect(['app.image.ts', 'x/y.image.mjs', 'a.image.js'].every(isImageModule)).toBe(true)
  expect(['Dockerfile', 'image.ts', 'a.ts', 'a.image.txt'].some(isImageModule)).toBe(false)
})
