import type { MachineFacts } from './machine.ts'
import type { Cost } from './measure.ts'
import { median, type Ratio, ratioOf } from './statistics.ts'

/** What one tool took for a workload, a cost for each round. */
export interface ToolResult {
  tool: string
  role: 'ours' | 'peer' | 'floor'
  costs: Cost[]
}

/** A workload with what all tools took for it. */
export interface WorkloadResult {
  id: string
  title: string
  units?: number
  watchMemory: boolean
  results: ToolResult[]
}

/** All that a run of the bench found out. */
export interface Report {
  machine: MachineFacts
  rounds: number
  /** Tools that are not here, and work that a tool failed at, with the reason. */
  leftOut: { what: string; why: string }[]
  workloads: WorkloadResult[]
}

/** Ours against the fastest competitor. */
export interface Comparison {
  peer: string
  wall: Ratio
  cpu: Ratio
  memory: Ratio
}

/** How we compare with the competitor that is best at a workload; `undefined` when there is none. */
export function compareWithBest(workload: WorkloadResult): Comparison | undefined {
  const ours = workload.results.find(({ role }) => role === 'ours')
  const key = workload.watchMemory ? 'memory' : 'wall'
  const peers = workload.results.filter(({ role }) => role === 'peer')
  const best = peers.toSorted((a, b) => middle(a, key) - middle(b, key))[0]
  if (!ours || !best) return undefined
  const ratio = (what: keyof Cost): Ratio => ratioOf(values(ours, what), values(best, what))
  return { peer: best.tool, wall: ratio('wall'), cpu: ratio('cpu'), memory: ratio('memory') }
}

const values = ({ costs }: ToolResult, key: keyof Cost): number[] => costs.map((cost) => cost[key])
const middle = (result: ToolResult, key: keyof Cost): number => median(values(result, key))

/** The report as Markdown tables. */
export function renderMarkdown(report: Report): string {
  const { machine, rounds, workloads, leftOut } = report
  const timed = workloads.filter(({ watchMemory, units }) => !watchMemory && units === undefined)
  const sections = [
    `${machine.cores} cores of ${machine.cpu}, ${gibibytes(machine.memoryBytes)} of memory, Linux ${machine.kernel}, ${machine.fileSystem}, load ${machine.load.toFixed(1)} at the beginning; commit ${machine.commit}, ${machine.date}. Medians of ${rounds} rounds, all tools in turn: wall seconds / CPU seconds (daemons included).`,
    table(timed, (result) => `${seconds(middle(result, 'wall'))} / ${seconds(middle(result, 'cpu'))}`),
    table(
      workloads.filter(({ watchMemory }) => watchMemory),
      (result) => mebibytes(middle(result, 'memory')),
    ),
    growthTable(workloads.filter(({ units }) => units !== undefined)),
    leftOut.map(({ what, why }) => `* left out: ${what}: ${why.split('\n')[0]}`).join('\n'),
  ]
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`
}

function table(workloads: readonly WorkloadResult[], cell: (result: ToolResult) => string): string {
  if (workloads.length === 0) return ''
  const peers = new Set(
    workloads.flatMap(({ results }) => results.filter(({ role }) => role === 'peer').map(({ tool }) => tool)),
  )
  const rows = workloads.map((workload) => {
    const { title, results } = workload
    const of = (found: ToolResult | undefined): string => (found ? cell(found) : '')
    const floor = results.find(({ role }) => role === 'floor')
    return [
      title,
      of(results.find(({ role }) => role === 'ours')),
      ...[...peers].map((peer) => of(results.find(({ tool }) => tool === peer))),
      floor ? `${cell(floor)} (${floor.tool})` : '',
      ratioCell(workload),
    ]
  })
  return markdownTable(['', 'Slipway', ...peers, 'plain', 'Slipway to the best other (spread)'], rows)
}

function ratioCell(workload: WorkloadResult): string {
  const comparison = compareWithBest(workload)
  if (!comparison) return ''
  const { value, least, greatest } = workload.watchMemory ? comparison.memory : comparison.wall
  const cpu = workload.watchMemory ? '' : `, CPU ${comparison.cpu.value.toFixed(2)}`
  return `**${value.toFixed(2)}** (${least.toFixed(2)} to ${greatest.toFixed(2)})${cpu}, ${comparison.peer}`
}

function growthTable(workloads: readonly WorkloadResult[]): string {
  if (workloads.length === 0) return ''
  const rows = workloads.flatMap(({ title, units, results }) =>
    results.map((result) => {
      const perUnit = (key: 'wall' | 'cpu'): string => `${((middle(result, key) / units!) * 1000).toFixed(3)}`
      return [
        title,
        seconds(middle(result, 'wall')),
        seconds(middle(result, 'cpu')),
        `${perUnit('wall')} / ${perUnit('cpu')}`,
      ]
    }),
  )
  return markdownTable(['growth', 'wall s', 'CPU s', 'ms per file or step, wall / CPU'], rows)
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}

const seconds = (value: number): string => (value < 10 ? value.toFixed(3) : value.toFixed(1))
const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`
const gibibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 30)} GiB`
