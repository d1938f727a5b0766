// Writes docs/api/: what the library exports, with its types and doc comments; a test keeps the pages up to date.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')

/** The doors of the library, and what each is for. */
const ENTRIES = {
  engine: 'slipway: the engine, through which everything can be done',
  image: 'slipway/image: images in TypeScript',
  oci: 'slipway/oci: image documents, references, platforms',
  dockerfile: 'slipway/dockerfile: the Dockerfile language',
  layer: 'slipway/layer: tar, EROFS indexes, merged file trees',
  transfer: 'slipway/transfer: images in and out',
  serve: 'slipway/serve: a registry server, in a program of your own',
} as const

interface Declaration {
  name: string
  doc: string
  code: string
}

/** The pages as they should be, by file name. */
export function apiPages(): Map<string, string> {
  const types = mkdtempSync(path.join(os.tmpdir(), 'slipway-types-'))
  try {
    const compiler = path.join(root, 'node_modules/.bin/tsc')
    execFileSync(process.execPath, [compiler, '-p', path.join(root, 'scripts/tsconfig.types.json'), '--outDir', types])
    return new Map(
      Object.entries(ENTRIES).map(([room, title]) => [
        `${room}.md`,
        page(title, exportsOf(path.join(types, room, 'index.d.ts'))),
      ]),
    )
  } finally {
    rmSync(types, { recursive: true })
  }
}

function page(title: string, declarations: readonly Declaration[]): string {
  const [module, about] = title.split(': ') as [string, string]
  const sorted = [...declarations].sort((a, b) => (a.name < b.name ? -1 : 1))
  const sections = sorted.map(({ name, doc, code }) => `## ${name}\n\n${doc}\n\n\`\`\`ts\n${code}\n\`\`\`\n`)
  return `# ${module}\n\nWhat \`import ... from '${module}'\` gives: ${about}.\n\n${sections.join('\n')}`
}

/** What a module exports, followed to where it is declared. */
function exportsOf(file: string): Declaration[] {
  const text = readFileSync(file, 'utf8')
  const next = (to: string): string => path.resolve(path.dirname(file), to.replace(/\.(js|ts)$/, '.d.ts'))
  const found: Declaration[] = []
  for (const [, to] of text.matchAll(/^export \* from '(.*)';$/gm)) found.push(...exportsOf(next(to!)))
  for (const [, list, to] of text.matchAll(/^export (?:type )?\{([^}]*)\} from '(.*)';$/gm)) {
    const names = list!.split(',').map((name) => name.trim().replace(/^type /, ''))
    const there = exportsOf(next(to!))
    found.push(...there.filter(({ name }) => names.includes(name)))
  }
  return [...found, ...declarationsOf(text)]
}

/** The declarations that stand in a module itself: a doc comment, and the lines up to where its brackets close. */
function declarationsOf(text: string): Declaration[] {
  const lines = text.split('\n')
  const found: Declaration[] = []
  for (let at = 0; at < lines.length; at++) {
    const match = /^export (?:declare )?(?:abstract )?(?:interface|type|class|function|const) (\w+)/.exec(lines[at]!)
    if (!match) continue
    const end = endOf(lines, at)
    const code = lines.slice(at, end).filter((line) => line.trim() !== '#private;')
    found.push({ name: match[1]!, doc: docAbove(lines, at), code: code.join('\n').replace(/^export (declare )?/, '') })
    at = end - 1
  }
  return found
}

function endOf(lines: readonly string[], from: number): number {
  for (let at = from; at < lines.length; at++) {
    if (/^(\}|.*[;}])$/.test(lines[at]!) && !lines[at]!.startsWith(' ')) return at + 1
  }
  return lines.length
}

function docAbove(lines: readonly string[], at: number): string {
  if (!lines[at - 1]?.trimEnd().endsWith('*/')) return ''
  let begin = at - 1
  while (!lines[begin]!.startsWith('/**')) begin--
  return lines
    .slice(begin, at)
    .map((line) => line.replace(/^\s*(\/\*\*|\*\/|\*)?\s?/, '').replace(/\s*\*\/$/, ''))
    .join('\n')
    .trim()
}

/** Writes the pages. */
function writePages(): void {
  const folder = path.join(root, 'docs/api')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [name, text] of apiPages()) writeFileSync(path.join(folder, name), text)
}

if (import.meta.main) writePages()
