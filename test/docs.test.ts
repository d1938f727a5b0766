import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { apiPages } from '../scripts/api-docs.ts'
import { errorPage } from '../scripts/error-docs.ts'

const root = path.resolve(import.meta.dirname, '..')

test('docs/errors.md lists the codes as they are (node scripts/error-docs.ts writes it)', () => {
  expect(readFileSync(path.join(root, 'docs/errors.md'), 'utf8')).toBe(errorPage())
})

test('docs/api says what the library exports (node scripts/api-docs.ts writes it), each with a sentence', () => {
  const folder = path.join(root, 'docs/api')
  const pages = apiPages()
  expect(readdirSync(folder).sort()).toEqual([...pages.keys()].sort())
  for (const [name, text] of pages) {
    expect(readFileSync(path.join(folder, name), 'utf8'), name).toBe(text)
    expect(text.match(/^## \w+\n\n\n/gm), name).toBeNull()
  }
})

/** Markdown files that people read, with the links in them that point into the repository. */
function links(): { file: string; target: string }[] {
  const rooms = readdirSync(path.join(root, 'src')).map((room) => `src/${room}/README.md`)
  const guide = readdirSync(path.join(root, 'docs/guide')).map((page) => `docs/guide/${page}`)
  const pages = [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'SCOPE.md',
    'examples/README.md',
    ...guide,
    ...rooms,
  ]
  return pages
    .filter((file) => existsSync(path.join(root, file)))
    .flatMap((file) => {
      const text = readFileSync(path.join(root, file), 'utf8')
      const linked = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map((match) => match[1]!)
      // "where does X happen?" names files in backticks: they must be there too
      const named = [...text.matchAll(/`((?:src|test|scripts|examples|docs)\/[\w./-]+\.\w+)`/g)].map(
        (match) => match[1]!,
      )
      const from = path.dirname(file)
      return [...linked.map((target) => path.join(from, target)), ...named].map((target) => ({ file, target }))
    })
}

test('links and file names in the documentation point at something', () => {
  const broken = links().filter(({ target }) => !existsSync(path.join(root, target)))
  expect(broken).toEqual([])
})
