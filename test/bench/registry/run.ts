/*
 * Does the same work with our registry server and with docker-registry, in turn, and reports medians and ratios.
 * By hand, on a quiet machine: node test/bench/registry/run.ts --help
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { freeBytes, machineFacts } from '../machine.ts'
import { treeOf } from '../processes.ts'
import { type Figures, type RegistryReport, type RegistryResult, renderRegistry } from './figures.ts'
import type { Taken, Work } from './load.ts'
import { dockerRegistry, type RunningServer, type ServerKind, slipway, startServer } from './servers.ts'
import { RegistryInputs, type RegistryWorkload } from './workloads.ts'

const HELP = `node test/bench/registry/run.ts [OPTIONS]
  --only ID,...         workloads to run (the beginning of an id is enough)
  --servers NAME,...    slipway, docker-registry; both when missing
  --rounds N            how often each server does each workload (5)
  --seconds N           how long small requests are sent (3)
  --connections N       clients of small requests at a time (32)
  --mebibytes N         size of the big blob (1024)
  --slipway COMMAND     how to start Slipway (./slipway)
  --folder FOLDER       where data goes: a temporary folder; one on a tmpfs keeps the disk out of the figures
  --json FILE           the figures
  --markdown FILE       the tables; printed when missing
`
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    servers: { type: 'string', default: 'slipway,docker-registry' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '32' },
    mebibytes: { type: 'string', default: '1024' },
    slipway: { type: 'string', default: path.resolve(import.meta.dirname, '../../../slipway') },
    folder: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    markdown: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

// the inputs, and in each server what it is filled with and two uploads
const COPIES = 8

const say = (text: string): void => void process.stderr.write(`${text}\n`)
const run = promisify(execFile)

if (flags.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  mkdirSync(flags.folder, { recursive: true })
  const folder = mkdtempSync(path.join(flags.folder, 'slipway-registry-bench-'))
  const [rounds, bigBytes] = [Number(flags.rounds), Number(flags.mebibytes) * 2 ** 20]
  if (freeBytes(folder) < bigBytes * COPIES) throw new Error(`${folder} needs ${COPIES} times the big blob`)
  const report: RegistryReport = { machine: machineFacts(folder), rounds, bigBytes, leftOut: [], results: [] }
  try {
    const [seconds, connections] = [Number(flags.seconds), Number(flags.connections)]
    const inputs = new RegistryInputs(folder, { bigBytes, seconds, connections })
    for (let round = 0; round < rounds; round++) await runRound(inputs, folder, report)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  if (flags.json) writeFileSync(flags.json, JSON.stringify(report, null, 1))
  if (flags.markdown) writeFileSync(flags.markdown, renderRegistry(report))
  else process.stdout.write(renderRegistry(report))
}

/** A server that takes part in this round, with what it was filled with. */
interface Participant {
  kind: ServerKind
  server: RunningServer
  workloads: Record<string, () => RegistryWorkload>
}

async function runRound(inputs: RegistryInputs, folder: string, report: RegistryReport): Promise<void> {
  const kinds = [slipway(flags.slipway.split(' ')), dockerRegistry].filter(({ name }) =>
    flags.servers.split(',').includes(name),
  )
  const participants: Participant[] = []
  try {
    for (const kind of kinds) {
      const participant = await open(kind, inputs, folder).catch((error: Error) => leaveOut(report, kind.name, error))
      if (participant) participants.push(participant)
    }
    const words = flags.only.split(',').filter((word) => word !== '')
    const ids = Object.keys(participants[0]?.workloads ?? {})
    for (const id of ids.filter((id) => words.length === 0 || words.some((word) => id.startsWith(word)))) {
      for (const each of participants) {
        await runWorkload(id, each, report).catch((error: Error) =>
          leaveOut(report, `${id} with ${each.kind.name}`, error),
        )
      }
    }
  } finally {
    for (const { server } of participants) await server.stop()
  }
}

async function open(kind: ServerKind, inputs: RegistryInputs, folder: string): Promise<Participant> {
  const server = await startServer(kind, path.join(folder, kind.name))
  try {
    return { kind, server, workloads: inputs.list(await inputs.fill(server.port)) }
  } catch (error) {
    await server.stop()
    throw error
  }
}

function leaveOut(report: RegistryReport, what: string, error: Error): undefined {
  say(`${what}: ${error.message}`)
  if (!report.leftOut.some((each) => each.what === what)) report.leftOut.push({ what, why: error.message })
}

async function runWorkload(
  id: string,
  { kind, server, workloads }: Participant,
  report: RegistryReport,
): Promise<void> {
  const { title, work } = workloads[id]!()
  const figures = await measure(server, work)
  let result = report.results.find((each) => each.id === id)
  if (!result) {
    const fresh: RegistryResult = { id, title, kind: work.kind === 'requests' ? 'requests' : 'bytes', servers: [] }
    report.results.push(fresh)
    result = fresh
  }
  let row = result.servers.find(({ name }) => name === kind.name)
  if (!row) {
    row = { name: kind.name, role: kind.role, rounds: [] }
    result.servers.push(row)
  }
  row.rounds.push(figures)
  const rate = figures.requests / figures.wall
  say(
    `${id} ${kind.name}: ${figures.wall.toFixed(2)} s, CPU ${figures.cpu.toFixed(2)} s, ${rate.toFixed(0)} requests/s`,
  )
}

/** Has a process of its own do the work, and looks at what the server takes. */
async function measure(server: RunningServer, work: Work): Promise<Figures> {
  for (const { pid } of treeOf([server.pid])) forgetPeak(pid)
  const before = cpuOf(server.pid)
  const program = path.join(import.meta.dirname, 'load.ts')
  const { stdout } = await run(process.execPath, [program, String(server.port), JSON.stringify(work)])
  const taken = JSON.parse(stdout) as Taken
  const cpu = cpuOf(server.pid) - before
  const memory = treeOf([server.pid]).reduce((sum, { pid }) => sum + peakOf(pid), 0)
  const { requests, bytes, wall, p99 } = taken
  return { requests, bytes, wall: wall / 1000, cpu, memory, ...(p99 === undefined ? {} : { p99 }) }
}

function cpuOf(pid: number): number {
  return treeOf([pid]).reduce((sum, each) => sum + each.cpu, 0)
}

/** Lets the kernel count a process's greatest memory anew (proc(5), clear_refs). */
function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

function peakOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * 1024
}
