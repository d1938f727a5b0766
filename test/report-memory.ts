// Loaded into each Node process of a command under test: at its end it notes the most memory it had, in bytes.
import { appendFileSync } from 'node:fs'

const file = process.env['SLIPWAY_TEST_MEMORY']
if (file !== undefined) process.on('exit', () => appendFileSync(file, `${process.resourceUsage().maxRSS * 1024}\n`))
