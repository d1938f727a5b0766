// Tries a registry: `node test/conformance/run.ts http://127.0.0.1:5000`. One line for each check, and why it failed.
// CONFORMANCE_USER and CONFORMANCE_PASSWORD are sent where they are set. Exits with 1 when a check failed.
import { CHECKS } from './checks.ts'
import { openTarget } from './target.ts'

const url = process.argv[2]
if (url === undefined) {
  process.stderr.write('usage: node test/conformance/run.ts URL\n')
  process.exit(2)
}
const { CONFORMANCE_USER: name, CONFORMANCE_PASSWORD: password } = process.env
const target = openTarget(url, name !== undefined && password !== undefined ? { name, password } : undefined)
let failed = 0
for (const check of CHECKS) {
  try {
    await check.run(target)
    process.stdout.write(`pass  ${check.name}\n`)
  } catch (error) {
    failed++
    process.stdout.write(`FAIL  ${check.name}: ${error instanceof Error ? error.message : error}\n`)
  }
}
process.stdout.write(`${CHECKS.length - failed} of ${CHECKS.length} checks passed\n`)
process.exit(failed === 0 ? 0 : 1)
