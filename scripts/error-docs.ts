// Writes docs/errors.md from the table of error codes; a test keeps it up to date.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { CODES } from '../src/core/index.ts'

/** The page as it should be. */
export function errorPage(): string {
  const rows = Object.entries(CODES).map(([code, { fault, about }]) => `| \`${code}\` | ${fault} | ${about} |`)
  return `# Error codes

Every error that Slipway ends with has a code, which stands behind the message in the terminal and in \`error.code\` of
the library. The fault is one of ten kinds of failure; faces map it to exit codes and HTTP statuses. Exit codes are
Docker's: 125 for a wrong flag, 126 and 127 for a program that cannot be started, 130 when you stopped it, else 1.

| code | fault | when |
|---|---|---|
${rows.join('\n')}
`
}

if (import.meta.main) writeFileSync(path.resolve(import.meta.dirname, '../docs/errors.md'), errorPage())
