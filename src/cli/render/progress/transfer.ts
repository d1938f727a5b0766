import type { ProgressEvent, TaskResult } from '../../../core/index.ts'
import { escapeName } from '../escape.ts'
import { humanSize } from '../sizes.ts'
import { takeWidth } from '../width.ts'
import type { ProgressRenderer } from './renderer.ts'
import { createScreen } from './screen.ts'

/** What a layer's line says in each state. */
export interface TransferWords {
  started: string
  moving: string
  done: string
  cached: string
  /** Where nothing is said but on terminals: of all states, or of the first. */
  isSilentElsewhere?: boolean | 'at first'
}

/** The words of `docker pull`, `docker push` and `docker load`, and of our `copy`. */
export const TRANSFER_WORDS: Readonly<Record<'pull' | 'push' | 'load' | 'copy', TransferWords>> = {
  pull: { started: 'Pulling fs layer', moving: 'Downloading', done: 'Pull complete', cached: 'Already exists' },
  push: {
    started: 'Preparing',
    moving: 'Pushing',
    done: 'Pushed',
    cached: 'Layer already exists',
    isSilentElsewhere: 'at first',
  },
  load: {
    started: 'Loading layer',
    moving: 'Loading layer',
    done: 'Loaded layer',
    cached: 'Already exists',
    isSilentElsewhere: true,
  },
  copy: {
    started: 'Waiting',
    moving: 'Copying',
    done: 'Copied',
    cached: 'Already exists',
    isSilentElsewhere: true,
  },
}

/** Where to show a transfer. On a terminal lines are drawn in place, elsewhere each change of state is a line. */
export interface TransferOptions {
  words: TransferWords
  isTerminal: boolean
  size(): { columns: number; rows: number }
}

interface Line {
  name: string
  text: string
  done: number
  total: number | undefined
  isEnded: boolean
}

/**
 * A line for each layer, as `docker pull` and `docker push` print them. Layers are tasks with a parent; the transfer
 * itself is its parent and has no line. A `status` event says in its own words what a layer does (`Extracting`), and
 * stays as the last word when the layer ends `cached` (`Mounted from library/x`).
 */
export function createTransferProgress(options: TransferOptions): ProgressRenderer {
  const lines = new Map<string, Line>()
  const screen = createScreen()
  let out = ''
  let changed = false
  const say = (line: Line, text: string): void => {
    changed = true
    line.text = text
    const { isSilentElsewhere: silent = false, started } = options.words
    const isSilent = silent === 'at first' ? text === started : silent
    if (!options.isTerminal && !isSilent) out += `${line.name}: ${text}\n`
  }
  const frame = (isLast: boolean): string => {
    if (!options.isTerminal) {
      const text = out
      out = ''
      return text
    }
    if (!changed) return ''
    changed = false
    return screen.draw(fitLines([...lines.values()], options.size(), isLast), options.size().columns)
  }
  return {
    interval: options.isTerminal ? 100 : 0,
    add(event) {
      applyTransfer({ lines, words: options.words, say, redraw: () => (changed = true) }, event)
    },
    render: () => frame(false),
    finish() {
      changed ||= lines.size > 0
      return frame(true)
    },
  }
}

interface Transfer {
  lines: Map<string, Line>
  words: TransferWords
  say(line: Line, text: string): void
  redraw(): void
}

function applyTransfer(transfer: Transfer, event: ProgressEvent): void {
  if (event.type === 'started' && event.parent !== undefined) {
    const line: Line = { name: escapeName(event.name), text: '', done: 0, total: undefined, isEnded: false }
    transfer.lines.set(event.task, line)
    transfer.say(line, transfer.words.started)
    return
  }
  const line = 'task' in event && event.task !== undefined ? transfer.lines.get(event.task) : undefined
  if (!line) return
  if (event.type === 'bytes') {
    Object.assign(line, {
      done: event.done,
      total: event.total ?? line.total,
      text: event.text ?? transfer.words.moving,
    })
    transfer.redraw()
  } else if (event.type === 'status') {
    line.total = undefined
    transfer.say(line, escapeName(event.text))
  } else if (event.type === 'finished') {
    line.isEnded = true
    const text = lastWord(transfer.words, line, event)
    if (text !== line.text) transfer.say(line, text)
    transfer.redraw()
  }
}

function lastWord(words: TransferWords, line: Line, event: { result: TaskResult }): string {
  switch (event.result) {
    case 'done':
      return words.done
    case 'cached':
      return line.text === words.started || line.text === words.moving ? words.cached : line.text
    case 'canceled':
      return 'Canceled'
    default:
      // why is said at the end, once for all lines
      return 'Failed'
  }
}

/** All lines where they fit; else those under way and the newest of the others. The last frame has them all. */
function fitLines(lines: readonly Line[], size: { columns: number; rows: number }, isLast: boolean): string[] {
  const limit = isLast ? lines.length : Math.max(size.rows - 1, 1)
  const running = lines.filter((line) => !line.isEnded).slice(0, limit)
  const room = limit - running.length
  const ended = room > 0 ? lines.filter((line) => line.isEnded).slice(-room) : []
  const kept = new Set([...running, ...ended])
  return lines
    .filter((line) => kept.has(line))
    .map((line) => takeWidth(describeLine(line, size.columns), size.columns - 1))
}

function describeLine(line: Line, columns: number): string {
  const counts = line.isEnded ? '' : describeBytes(line, columns)
  return `${line.name}: ${line.text}${counts === '' ? '' : ` ${counts}`}`
}

/** Docker's progress bar: the bar on wide terminals only, then the numbers. */
function describeBytes(line: Line, columns: number): string {
  const { done, total } = line
  if (!total) return done > 0 ? humanSize(done).padStart(8) : ''
  const filled = Math.min(Math.trunc(((done / total) * 100) / 2), 50)
  const bar = columns > 110 ? `[${'='.repeat(filled)}>${' '.repeat(50 - filled)}] ` : ''
  const numbers = humanSize(done).padStart(8)
  return done > total ? bar + numbers : `${bar}${numbers}/${humanSize(total)}`
}
