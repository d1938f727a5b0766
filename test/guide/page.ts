/** Pages of the guide as a reader follows them: files to write, commands to type, and what they print. */

/** A file that a page tells the reader to write. */
export interface FileBlock {
  kind: 'file'
  line: number
  name: string
  text: string
}

/** Commands of a page, and what they print, where the page says so. */
export interface CommandBlock {
  kind: 'commands'
  line: number
  script: string
  /** They are there to show an error. */
  fails: boolean
  output?: string
}

/** A fenced block: the words after its fence, and its lines. */
interface Fence {
  line: number
  info: string
  text: string
}

/** What a page asks its reader to do, in order. Blocks of commands that say `skip: WHY` are left out. */
export function readPage(markdown: string): (FileBlock | CommandBlock)[] {
  const blocks: (FileBlock | CommandBlock)[] = []
  for (const { line, info, text } of fences(markdown)) {
    const [language = '', ...rest] = info.split(/\s+/)
    const about = rest.join(' ')
    if (language === 'sh') {
      if (!about.startsWith('skip:')) blocks.push({ kind: 'commands', line, script: text, fails: about === 'fails' })
    } else if (language === 'output') {
      const last = blocks.at(-1)
      if (last?.kind !== 'commands') throw new Error(`line ${line}: output without commands before it`)
      last.output = text
    } else if (about !== '') blocks.push({ kind: 'file', line, name: about, text })
  }
  return blocks
}

function fences(markdown: string): Fence[] {
  const found: Fence[] = []
  let open: { fence: string; line: number; info: string; lines: string[] } | undefined
  for (const [at, line] of markdown.split('\n').entries()) {
    if (open === undefined) {
      const match = /^(`{3,})(.*)$/.exec(line)
      if (match) open = { fence: match[1]!, line: at + 1, info: match[2]!.trim(), lines: [] }
    } else if (line === open.fence) {
      found.push({ line: open.line, info: open.info, text: open.lines.map((each) => `${each}\n`).join('') })
      open = undefined
    } else open.lines.push(line)
  }
  return found
}

/** Whether text is what a page shows: a line `...` stands for any lines, `…` in a line for any characters. */
export function matchesOutput(shown: string, text: string): boolean {
  const quote = (part: string): string => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const lines = shown
    .trimEnd()
    .split('\n')
    .map((line) => (line === '...' ? '(?:.*\\n)*?' : `${line.split('…').map(quote).join('.*')}[ ]*\\n`))
  return new RegExp(`^${lines.join('')}$`).test(`${text.trimEnd()}\n`)
}
