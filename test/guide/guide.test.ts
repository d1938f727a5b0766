/** Every example of the guide is done here, page by page, as a reader would. */
import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openEngine } from '../../src/engine/index.ts'
import { findProgram } from '../../src/host/index.ts'
import { type CommandBlock, matchesOutput, readPage } from './page.ts'

const source = path.resolve(import.meta.dirname, '../..')
const guide = path.join(source, 'docs/guide')
const INDEX = 'README.md'
const pages = readdirSync(guide).filter((name) => name.endsWith('.md') && name !== INDEX)
const canRun = process.getuid?.() === 0 && findProgram('busybox') !== undefined

let work: string

beforeAll(async () => {
  work = mkdtempSync(path.join(os.tmpdir(), 'slipway-guide-'))
  if (!canRun) return
  using engine = openEngine({ root: path.join(work, 'store') })
  await engine.bootstrap({ what: 'busybox' })
  mkdirSync(path.join(work, 'bin'))
  const program = path.join(work, 'bin/slipway')
  const main = path.join(source, 'src/cli/bin.ts')
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" --disable-warning=ExperimentalWarning "${main}" "$@"\n`)
  chmodSync(program, 0o755)
})

afterAll(() => rmSync(work, { recursive: true, force: true }))

/** What `npm install slipway` would put there, over the sources. */
function installLibrary(folder: string): void {
  const package_ = path.join(folder, 'node_modules/slipway')
  mkdirSync(package_, { recursive: true })
  const exported = { '.': './slipway.js', './image': './image.js' }
  writeFileSync(path.join(package_, 'package.json'), JSON.stringify({ type: 'module', exports: exported }))
  writeFileSync(path.join(package_, 'slipway.js'), `export * from '${source}/src/engine/index.ts'`)
  writeFileSync(path.join(package_, 'image.js'), `export * from '${source}/src/image/index.ts'`)
}

interface Outcome {
  exitCode: number
  stdout: string
  /** Both streams, for the message of a test that fails. */
  all: string
}

/** Runs a block of commands as `sh -e` does. */
function run(block: CommandBlock, folder: string, root: string): Outcome {
  const env = {
    ...process.env,
    PATH: [path.join(work, 'bin'), path.dirname(process.execPath), process.env['PATH']].join(':'),
    NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
    SLIPWAY_ROOT: root,
    HOME: folder,
    NODE_COMPILE_CACHE: path.join(work, 'compiled'),
  }
  const errors = path.join(work, 'stderr')
  const script = `exec 2>"${errors}"\n${block.script}`
  const options: ExecFileSyncOptionsWithStringEncoding = {
    cwd: folder,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 120_000,
  }
  try {
    const stdout = execFileSync('/bin/sh', ['-e', '-c', script], options)
    return { exitCode: 0, stdout, all: stdout + readFileSync(errors, 'utf8') }
  } catch (error) {
    const { status, stdout } = error as { status: number | null; stdout: string }
    return { exitCode: status ?? 255, stdout, all: stdout + readFileSync(errors, 'utf8') }
  }
}

test('the index of the guide names every page once', () => {
  const index = readFileSync(path.join(guide, INDEX), 'utf8')
  const linked = [...index.matchAll(/\]\(([\w-]+\.md)\)/g)].map((match) => match[1]!)
  expect(linked.sort()).toEqual(pages.toSorted())
})

describe.skipIf(!canRun)('the guide (needs root and busybox)', () => {
  test.each(pages)(
    '%s',
    (page) => {
      const folder = mkdtempSync(path.join(work, 'page-'))
      const root = mkdtempSync(path.join(work, 'root-'))
      cpSync(path.join(work, 'store'), root, { recursive: true })
      installLibrary(folder)
      const blocks = readPage(readFileSync(path.join(guide, page), 'utf8'))
      expect(blocks.some((block) => block.kind === 'commands')).toBe(true)
      for (const block of blocks) {
        if (block.kind === 'file') {
          mkdirSync(path.dirname(path.join(folder, block.name)), { recursive: true })
          writeFileSync(path.join(folder, block.name), block.text)
          continue
        }
        const { exitCode, stdout, all } = run(block, folder, root)
        const where = `${page}:${block.line}: ${block.script}${all}`
        expect(exitCode !== 0, where).toBe(block.fails)
        if (block.output !== undefined && !matchesOutput(block.output, stdout)) {
          expect(stdout, where).toBe(block.output)
        }
      }
    },
    300_000,
  )
})
