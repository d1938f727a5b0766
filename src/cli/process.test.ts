import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

const bin = path.join(import.meta.dirname, 'bin.ts')
const dir = mkdtempSync(path.join(tmpdir(), 'slipway-cli-'))
afterAll(() => rmSync(dir, { recursive: true }))

const has = (tool: string): boolean => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0

/** A program around the real main, with a table of its own. */
function program(name: string, body: string): string {
  const file = path.join(dir, `${name}.ts`)
  const source = (module: string): string => JSON.stringify(path.join(import.meta.dirname, module))
  writeFileSync(
    file,
    `import { defineCommand } from ${source('command.ts')}
import { main } from ${source('main.ts')}
import { openProgress, createProgressRenderer } from ${source('render/progress/index.ts')}
import { setTimeout as sleep } from 'node:timers/promises'
const command = defineCommand({ usage: '', operands: { min: 0 }, flags: {}, async run({ io, signal }) { ${body} } })
const table = { groups: [], commands: [{ paths: ['go'], summary: 'Go', load: async () => ({ command }) }] }
process.exit(await main(['go'], { table }))
`,
  )
  return file
}

describe('output', () => {
  test('a reader that goes away ends the program quietly', () => {
    const file = program('pipe', `for (;;) await io.stdout.write('x'.repeat(1000) + '\\n')`)
    const shell = `${process.execPath} ${file} 2>${dir}/err | head -n 1 | wc -c; echo "\${PIPESTATUS[0]}"; cat ${dir}/err`
    const { stdout } = spawnSync('bash', ['-c', shell], { encoding: 'utf8' })
    expect(stdout).toBe('1001\n141\n')
  })

  test('everything is written before the program ends, however slow the reader', () => {
    const file = program(
      'big',
      `await io.stdout.write(Buffer.alloc(3_000_000, 'y')); await io.stderr.write('end'); return 7`,
    )
    const { stdout } = spawnSync(
      'bash',
      ['-c', `${process.execPath} ${file} 2>/dev/null | (sleep 0.3; wc -c); echo "\${PIPESTATUS[0]}"`],
      {
        encoding: 'utf8',
      },
    )
    expect(stdout).toBe('3000000\n7\n')
  })

  test('a pipe that does not block is waited for', async () => {
    const file = program(
      'nonblock',
      `await io.stdout.write(Buffer.alloc(1_000_000, 'z')); io.stdout.writeNow('end'); return 0`,
    )
    // Node gives children sockets, which do not block.
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
    let size = 0
    for await (const chunk of child.stdout) size += (chunk as Buffer).length
    expect(size).toBe(1_000_003)
  })
})

describe('signals', () => {
  const waits = `process.stdout.write('ready\\n'); `
  async function interrupt(body: string, count: number): Promise<{ code: number | null; out: string }> {
    const child = spawn(process.execPath, [program(`signal${count}${body.length}`, waits + body)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    let out = ''
    let sent = 0
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString()
      if (sent < count && (out.match(/ready/g)?.length ?? 0) > sent) {
        sent++
        child.kill('SIGINT')
      }
    })
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    return { code, out }
  }

  test('the first SIGINT cancels, and the program can clean up', async () => {
    const body = `await sleep(60_000, undefined, { signal }).catch(() => {}); await io.stdout.write('cleaned'); signal.throwIfAborted(); return 0`
    expect(await interrupt(body, 1)).toEqual({ code: 130, out: 'ready\ncleaned' })
  })

  test('the second one ends it at once', async () => {
    const body = `signal.addEventListener('abort', () => process.stdout.write('ready\\n')); await sleep(60_000); return 0`
    expect(await interrupt(body, 2)).toEqual({ code: 130, out: 'ready\nready\n' })
  })
})

test('debug template answers rows in order', () => {
  const rows = [
    '{"text":"{{.a}}","data":{"a":1}}',
    '',
    'not json',
    '{"text":"{{","data":1}',
    '{"text":"{{.x}}","data":{},"raw":true}',
  ]
  const { stdout, status } = spawnSync(process.execPath, [bin, 'debug', 'template'], {
    input: rows.join('\n'),
    encoding: 'utf8',
  })
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(status).toBe(0)
  expect(answers).toEqual([
    { output: '1' },
    { error: expect.stringContaining('not valid JSON') },
    { error: 'template: :1: unclosed action' },
    { error: 'template: :1:2: executing "" at <.x>: map has no entry for key "x"' },
  ])
})

describe.skipIf(!has('script'))('on a terminal', () => {
  /** Runs on a pseudo-terminal of a size and gives what the terminal received. */
  function onTerminal(file: string, columns: number, rows: number): string {
    const { stdout } = spawnSync(
      'script',
      ['-qec', `stty cols ${columns} rows ${rows} -onlcr; ${process.execPath} ${file}`, path.join(dir, 'typescript')],
      { encoding: 'utf8', env: { ...process.env, TERM: 'xterm', NO_COLOR: '' }, input: '' },
    )
    return stdout
  }

  const build = `
    const renderer = createProgressRenderer('tty', () => io.stderr.terminal())
    const driver = openProgress(renderer, (text) => io.stderr.writeNow(text))
    for (let i = 0; i < 12; i++) {
      driver.progress({ type: 'started', task: 's' + i, name: '[' + i + '/12] RUN something that is rather long to show' })
      driver.progress({ type: 'log', task: 's' + i, stream: 'stdout', chunk: Buffer.from('line\\x1b[2J\\n'.repeat(9)) })
      await sleep(60)
      driver.progress({ type: 'finished', task: 's' + i, result: 'done' })
    }
    driver.close()
    return 0`

  test.each([
    [80, 24],
    [40, 8],
  ])('frames of %i columns and %i rows replace each other', (columns, rows) => {
    const received = onTerminal(program(`tty${columns}`, build), columns, rows)
    const frames = received.split('\x1b[?25l').slice(1)
    expect(frames.length).toBeGreaterThan(3)
    for (const frame of frames) expect(frame).toContain('\x1b[?25h')
    for (const frame of frames.slice(0, -1)) expect(frame.split('\n').length - 1).toBeLessThan(rows)
    expect(received).not.toContain('\x1b[2J')
    // What is left on the screen: the last frame, complete and once.
    const screen = replay(received, columns)
    expect(screen[0]).toMatch(/^\[\+\] Building \d\.\ds \(12\/12\) FINISHED/)
    expect(screen.filter((line) => line.startsWith(' => ['))).toHaveLength(12)
    for (const line of screen) expect(line.length).toBeLessThan(columns)
  })
})

/** A terminal without end: applies cursor movement and erasing, and gives the lines that are left. */
function replay(text: string, columns: number): string[] {
  const lines: string[] = ['']
  let row = 0
  let column = 0
  for (const [token] of text.matchAll(/\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]/g)) {
    if (token === '\n') row++
    else if (token === '\r') column = 0
    else if (token === '\x1b[K') lines[row] = lines[row]!.slice(0, column)
    else if (token === '\x1b[J') lines.length = row + 1
    else if (/^\x1b\[\d+A$/.test(token)) row -= Number(token.slice(2, -1))
    else if (!token.startsWith('\x1b')) {
      lines[row] = lines[row]!.slice(0, column).padEnd(column) + token + lines[row]!.slice(column + 1)
      column++
      expect(column).toBeLessThanOrEqual(columns)
    }
    if (token === '\n') column = 0
    while (lines.length <= row) lines.push('')
  }
  return lines.filter((line) => line !== '')
}
