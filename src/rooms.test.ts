import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

/** The whole architecture: a room may import only rooms that stand before it, and only through their index.ts. */
const ROOMS = [
  'core',
  'oci',
  'host',
  'registry',
  'layer',
  'dockerfile',
  'image',
  'store',
  'transfer',
  'lint',
  'scan',
  'container',
  'build',
  'engine',
  'serve',
  'cli',
]

const src = import.meta.dirname
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
  (f) => f.endsWith('.ts') && f.includes('/'),
)

/** Import specifiers that start with a dot, with the file they point to, relative to src/. */
function relativeImports(file: string): string[] {
  const text = readFileSync(path.join(src, file), 'utf8')
  const matches = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]/g)
  return [...matches].map(([, to]) => path.relative(src, path.resolve(src, path.dirname(file), to!)))
}

const roomOf = (file: string): string => file.split('/')[0]!
const isTestSupport = (file: string): boolean => /\.(test|suite)\.ts$/.test(file)

test('every folder in src is a room of the list', () => {
  expect([...new Set(files.map(roomOf))].filter((room) => !ROOMS.includes(room))).toEqual([])
})

test('imports run from later rooms to earlier ones', () => {
  const upward = files.flatMap((file) =>
    relativeImports(file)
      .filter((to) => !to.startsWith('..') && roomOf(to) !== roomOf(file))
      .filter((to) => ROOMS.indexOf(roomOf(to)) > ROOMS.indexOf(roomOf(file)))
      .map((to) => `${file} imports ${to}`),
  )
  expect(upward).toEqual([])
})

test('a room is entered by its index.ts', () => {
  const sideDoors = files.flatMap((file) =>
    relativeImports(file)
      .filter((to) => !to.startsWith('..') && roomOf(to) !== roomOf(file))
      .filter((to) => !to.endsWith('/index.ts') || to.split('/').length !== 2)
      .filter((to) => !(isTestSupport(file) && isTestSupport(to)))
      .map((to) => `${file} imports ${to}`),
  )
  expect(sideDoors).toEqual([])
})

test('product code does not import tests or test support', () => {
  const leaks = files
    .filter((file) => !isTestSupport(file))
    .flatMap((file) => relativeImports(file).filter((to) => isTestSupport(to) || to.startsWith('..')))
  expect(leaks).toEqual([])
})
