// Loaded into each Node process of a command under test: at its end it notes the most memory it had, in bytes.
import { appendFileSync, readFileSync } from 'node:fs'

const file = process.env['SLIPWAY_TEST_MEMORY']

/** Not `resourceUsage().maxRSS`: that begins with the memory of the process that started this one. */
function peak(): number {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))![1]) * 1024
}

if (file !== undefined) process.on('exit', () => appendFileSync(file, `${peak()}\n`))
