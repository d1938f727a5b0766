import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { type Engine, openEngine } from '../src/engine/index.ts'
import { RULES } from '../src/lint/index.ts'

const pages = path.resolve(import.meta.dirname, '../docs/rules')

let engine: Engine
let folder: string

/** A store with a `busybox` for this machine, and a folder for examples. */
beforeAll(async () => {
  const home = mkdtempSync(path.join(tmpdir(), 'slipway-pages-'))
  folder = path.join(home, 'example')
  mkdirSync(folder)
  engine = openEngine({ root: path.join(home, 'store') })
  const text = 'FROM scratch\nCOPY <<E /a\na\nE\n'
  await engine.build({ context: folder, dockerfile: { name: 'Dockerfile', text }, tags: ['busybox'] })
  return () => {
    engine[Symbol.dispose]()
    rmSync(home, { recursive: true, force: true })
  }
})

/** The fenced blocks of a page by what stands behind the fence. */
function blocksOf(page: string): Record<string, string> {
  const blocks = [...page.matchAll(/^```(\S+ \S+)\n(.*?)^```$/gms)]
  return Object.fromEntries(blocks.map(([, info, text]) => [info!, text!]))
}

async function rulesIn(text: string): Promise<string[]> {
  const { warnings, error } = await engine.check({ context: folder, dockerfile: { name: 'Dockerfile', text } })
  // what else is wrong with a file is no matter of its page, but what it shows must be a Dockerfile
  if (error?.message.startsWith('dockerfile parse error')) throw new Error(error.message)
  return warnings.map(({ rule }) => rule)
}

test.each(RULES.map(({ name }) => name))(
  'the page of %s shows what it objects to, and what it does not',
  async (name) => {
    const page = readFileSync(path.join(pages, `${name}.md`), 'utf8')
    expect(page.startsWith(`# ${name}\n\n`)).toBe(true)
    const blocks = blocksOf(page)
    writeFileSync(path.join(folder, '.dockerignore'), blocks['text .dockerignore'] ?? '')
    const bad = new Set(await rulesIn(blocks['dockerfile bad']!))
    if (name !== 'InvalidBaseImagePlatform') bad.delete('InvalidBaseImagePlatform') // that depends on the machine
    expect([...bad]).toEqual([name])
    expect(await rulesIn(blocks['dockerfile good']!)).toEqual([])
  },
)
