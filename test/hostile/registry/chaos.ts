/*
 * Pulls and pushes through a proxy that resets, stalls, cuts, refuses and slows down, and counts what went wrong:
 * node test/hostile/registry/chaos.ts [--transfers 500] [--seed 1] [--faults 4] [--at-once 4] [--registry docker-registry]
 * Ends with 1 when content was wrong, when more than one transfer in a thousand failed, or when more than 1.1 times the
 * bytes were fetched.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { dockerRegistry, slipway, startServer } from '../../bench/registry/servers.ts'
import { runCampaign } from './campaign.ts'

const { values: flags } = parseArgs({
  options: {
    transfers: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: '4' },
    'at-once': { type: 'string', default: '4' },
    registry: { type: 'string', default: 'slipway' },
    sizes: { type: 'string', default: '60000,1500000,3000000,8000000,20000000' },
  },
})
const ours = slipway([process.execPath, path.resolve(import.meta.dirname, '../../../src/cli/bin.ts')])
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-chaos-registry-'))
const server = await startServer(flags.registry === 'slipway' ? ours : dockerRegistry, path.join(folder, 'data'))
try {
  const started = performance.now()
  const result = await runCampaign({
    registry: server.port,
    transfers: Number(flags.transfers),
    seed: Number(flags.seed),
    mostFaults: Number(flags.faults),
    atOnce: Number(flags['at-once']),
    sizes: flags.sizes.split(',').map(Number),
    say: (line) => console.log(line),
  })
  const { transfers, faults, failed, damaged, fetched, uploaded } = result
  const seconds = ((performance.now() - started) / 1000).toFixed(0)
  console.log(
    `${transfers} transfers with ${faults} faults in ${seconds} s against ${flags.registry}, seed ${flags.seed}`,
  )
  console.log(`wrong content: ${damaged.length}; failed: ${failed.length}`)
  console.log(`bytes to size: fetched ${fetched.toFixed(3)}, uploaded ${uploaded.toFixed(3)}`)
  process.exitCode = damaged.length > 0 || failed.length > transfers / 1000 || fetched > 1.1 ? 1 : 0
} finally {
  await server.stop()
  rmSync(folder, { recursive: true, force: true })
}
