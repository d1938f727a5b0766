/*
 * Does the same work with Slipway and with every other tool of its kind that is here, in turn, and reports medians and
 * ratios. By hand, as root, on a quiet machine: npm run bench -- --help
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Inputs } from './inputs.ts'
import { freeBytes, machineFacts } from './machine.ts'
import { type CommandLine, measure, runQuietly } from './measure.ts'
import { type BenchRegistry, openRegistry } from './registry-images.ts'
import { type Report, renderMarkdown, type ToolResult, type WorkloadResult } from './report.ts'
import { openDocker } from './tools/docker.ts'
import { openBuildah, openPodman, openSkopeo, openUmoci } from './tools/podman.ts'
import { openSlipway } from './tools/slipway.ts'
import type { Tool } from './tools/tool.ts'
import { listWorkloads, type Workload } from './workloads.ts'

const HELP = `node test/bench/run.ts [OPTIONS]
  --only ID,...         workloads to run (the beginning of an id is enough)
  --tools NAME,...      slipway, docker, buildah, podman, skopeo, umoci; all that are here when missing
  --docker FOLDER       Docker from this folder, or from where a package was unpacked to, instead of the machine's own;
                        may be repeated; SLIPWAY_BENCH_DOCKER does the same, folders separated by colons
  --debian FILE         a Debian root file system as a tar; made by mmdebstrap when missing
  --rounds N            how often each tool does each workload (5)
  --scale FRACTION      makes all inputs smaller (1)
  --slipway COMMAND     how to start Slipway (./slipway)
  --folder FOLDER       where inputs and stores go (a temporary folder); inputs in a folder that is named are kept
  --json FILE           the figures
  --markdown FILE       the tables; printed when missing
`
const { values: flags } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    tools: { type: 'string', default: 'slipway,docker,buildah,podman,skopeo,umoci' },
    docker: { type: 'string', multiple: true, default: [] },
    debian: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    scale: { type: 'string', default: '1' },
    slipway: { type: 'string', default: path.resolve(import.meta.dirname, '../../slipway') },
    folder: { type: 'string' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

/** Stores and inputs at full scale. */
const NEEDED_BYTES = 20 * 2 ** 30

const say = (text: string): void => void process.stderr.write(`${text}\n`)

if (flags.help) process.stdout.write(HELP)
else await main(flags.folder ?? mkdtempSync(path.join(tmpdir(), 'slipway-bench-')))

async function main(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const [rounds, scale] = [Number(flags.rounds), Number(flags.scale)]
  const needed = NEEDED_BYTES * scale
  if (freeBytes(folder) < needed) throw new Error(`${folder} needs ${Math.round(needed / 2 ** 20)} MiB of free space`)
  const report: Report = { machine: machineFacts(folder), rounds, leftOut: [], workloads: [] }
  const tools = await openTools(folder, report)
  let registry: BenchRegistry | undefined
  try {
    const inputs = new Inputs(folder, { scale, debian: flags.debian })
    if (['pull-debian', 'pull-many', 'push-debian', 'push-many'].some(isWanted))
      registry = await startRegistry(folder, report)
    for (const [id, workload] of chosenWorkloads(inputs, registry)) {
      report.workloads.push(await runWorkload(id, workload, tools, report))
    }
  } finally {
    await registry?.stop()
    for (const tool of tools) await tool.close().catch((error: Error) => say(`${tool.name}: ${error.message}`))
    if (flags.folder === undefined) rmSync(folder, { recursive: true, force: true })
  }
  if (flags.json) writeFileSync(flags.json, JSON.stringify(report, null, 1))
  if (flags.markdown) writeFileSync(flags.markdown, renderMarkdown(report))
  else process.stdout.write(renderMarkdown(report))
}

async function startRegistry(folder: string, report: Report): Promise<BenchRegistry | undefined> {
  try {
    return await openRegistry(folder)
  } catch (error) {
    report.leftOut.push({ what: 'push and pull', why: (error as Error).message })
    return undefined
  }
}

/** Whether `--only` lets a workload be done. */
function isWanted(id: string): boolean {
  const words = flags.only.split(',').filter((word) => word !== '')
  return words.length === 0 || words.some((word) => id.startsWith(word))
}

function* chosenWorkloads(inputs: Inputs, registry: BenchRegistry | undefined): Generator<[string, Workload]> {
  for (const [id, make] of Object.entries(listWorkloads(inputs, registry))) {
    const workload = isWanted(id) ? make() : undefined
    if (workload) yield [id, workload]
  }
}

async function openTools(folder: string, report: Report): Promise<Tool[]> {
  const wanted = flags.tools.split(',')
  const named = [...flags.docker, ...(process.env['SLIPWAY_BENCH_DOCKER'] ?? '').split(':')].filter(
    (each) => each !== '',
  )
  const dockers = named.length > 0 ? named : ['']
  const openers: [string, () => Promise<Tool>][] = [
    ['slipway', () => openSlipway(folder, flags.slipway.split(' '))],
    ...dockers.map((from): [string, () => Promise<Tool>] => ['docker', () => openDocker(folder, from, dockers)]),
    ['buildah', () => openBuildah(folder)],
    ['podman', () => openPodman(folder)],
    ['skopeo', () => openSkopeo(folder)],
    ['umoci', () => openUmoci(folder)],
  ]
  const tools: Tool[] = []
  for (const [name, open] of openers.filter(([name]) => wanted.includes(name))) {
    try {
      tools.push(await open())
    } catch (error) {
      report.leftOut.push({ what: name, why: (error as Error).message })
    }
  }
  return tools
}

/** One who takes part in a workload. */
interface Runner {
  result: ToolResult
  daemons: readonly number[]
  command(): CommandLine
  ready(): Promise<void>
  before(): Promise<void>
}

async function runWorkload(
  id: string,
  workload: Workload,
  tools: readonly Tool[],
  report: Report,
): Promise<WorkloadResult> {
  const { title, units, watchMemory = false } = workload
  say(`${id}:`)
  let runners = runnersOf(workload, tools)
  const leaveOut = (runner: Runner, error: unknown): void => {
    runners = runners.filter((each) => each !== runner)
    report.leftOut.push({ what: `${id} with ${runner.result.tool}`, why: (error as Error).message })
    say((error as Error).message)
  }
  for (const runner of runners) await runner.ready().catch((error: unknown) => leaveOut(runner, error))
  for (let round = 0; round < report.rounds; round++) {
    for (const runner of runners) {
      try {
        await runner.before()
        await runQuietly({ argv: ['sync'] })
        const cost = await measure(runner.command(), { daemons: runner.daemons, watchMemory })
        runner.result.costs.push(cost)
        say(`  ${runner.result.tool}: ${cost.wall.toFixed(3)} s, CPU ${cost.cpu.toFixed(3)} s`)
      } catch (error) {
        leaveOut(runner, error)
      }
    }
  }
  const results = runners.map(({ result }) => result)
  return { id, title, watchMemory, results, ...(units === undefined ? {} : { units }) }
}

function runnersOf(workload: Workload, tools: readonly Tool[]): Runner[] {
  const { floor } = workload
  const runners = tools.flatMap((tool): Runner[] => {
    if ((workload.onlyOurs && !tool.isOurs) || !workload.command(tool)) return []
    return [
      {
        result: { tool: tool.name, role: tool.isOurs ? 'ours' : 'peer', costs: [] },
        daemons: tool.daemons,
        command: () => workload.command(tool)!,
        ready: async () => workload.ready?.(tool),
        before: async () => workload.before?.(tool),
      },
    ]
  })
  if (!floor) return runners
  const result: ToolResult = { tool: floor.name, role: 'floor', costs: [] }
  const before = async (): Promise<void> => floor.clean?.()
  return [...runners, { result, daemons: [], command: () => floor.command, ready: before, before }]
}
