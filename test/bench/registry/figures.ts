import type { MachineFacts } from '../machine.ts'
import { median, type Ratio, ratioOf } from '../statistics.ts'

/** What one server took for a workload in one round. */
export interface Figures {
  requests: number
  bytes: number
  /** Seconds, of the client's clock. */
  wall: number
  /** CPU seconds of the server. */
  cpu: number
  /** The most memory the server had, in bytes. */
  memory: number
  /** Milliseconds. */
  p99?: number
}

/** A workload with what each server took, round by round. */
export interface RegistryResult {
  id: string
  title: string
  kind: 'requests' | 'bytes'
  servers: { name: string; role: 'ours' | 'peer'; rounds: Figures[] }[]
}

/** All that a run found out. */
export interface RegistryReport {
  machine: MachineFacts
  rounds: number
  bigBytes: number
  leftOut: { what: string; why: string }[]
  results: RegistryResult[]
}

const GIBIBYTE = 2 ** 30
const perRequest = ({ cpu, requests }: Figures): number => (cpu * 1000) / requests
const perGibibyte = ({ cpu, bytes }: Figures): number => (cpu * GIBIBYTE) / bytes

/** Ours to the peer: CPU for the same work, and time for it. `undefined` when one of them is missing. */
export function compare({ servers, kind }: RegistryResult): { cpu: Ratio; wall: Ratio } | undefined {
  const ours = servers.find(({ role }) => role === 'ours')?.rounds
  const peer = servers.find(({ role }) => role === 'peer')?.rounds
  if (!ours?.length || !peer?.length) return undefined
  const time = ({ wall, requests }: Figures): number => (kind === 'requests' ? wall / requests : wall)
  const cpu = kind === 'requests' ? perRequest : perGibibyte
  return { cpu: ratioOf(ours.map(cpu), peer.map(cpu)), wall: ratioOf(ours.map(time), peer.map(time)) }
}

/** The report as Markdown. */
export function renderRegistry(report: RegistryReport): string {
  const { machine, rounds, results, bigBytes } = report
  const names = [...new Set(results.flatMap(({ servers }) => servers.map(({ name }) => name)))]
  const facts = `${machine.cores} cores of ${machine.cpu}, ${Math.round(machine.memoryBytes / GIBIBYTE)} GiB of memory, Linux ${machine.kernel}, ${machine.fileSystem}, load ${machine.load.toFixed(1)} at the beginning; commit ${machine.commit}, ${machine.date}. Medians of ${rounds} rounds, the servers in turn, over loopback.`
  const small = results.filter(({ kind }) => kind === 'requests')
  const big = results.filter(({ kind }) => kind === 'bytes')
  const sections = [
    facts,
    table('requests/s (per CPU second; 99 % within; peak MiB)', small, names, requestCell),
    table(`blob of ${Math.round(bigBytes / 2 ** 20)} MiB: CPU s/GiB (GiB/s; peak MiB)`, big, names, byteCell),
    report.leftOut.map(({ what, why }) => `* left out: ${what}: ${why.split('\n')[0]}`).join('\n'),
  ]
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`
}

const middle = (rounds: readonly Figures[], of: (figures: Figures) => number): number => median(rounds.map(of))
const mebibytes = (rounds: readonly Figures[]): string => (middle(rounds, ({ memory }) => memory) / 2 ** 20).toFixed(0)

function requestCell(rounds: readonly Figures[]): string {
  const rate = middle(rounds, ({ requests, wall }) => requests / wall)
  const perCpu = 1000 / middle(rounds, perRequest)
  const slow = middle(rounds, ({ p99 = 0 }) => p99)
  return `${rate.toFixed(0)} (${perCpu.toFixed(0)}; ${slow.toFixed(1)} ms; ${mebibytes(rounds)})`
}

function byteCell(rounds: readonly Figures[]): string {
  const speed = middle(rounds, ({ bytes, wall }) => bytes / GIBIBYTE / wall)
  return `${middle(rounds, perGibibyte).toFixed(2)} (${speed.toFixed(2)}; ${mebibytes(rounds)})`
}

function table(
  head: string,
  results: readonly RegistryResult[],
  names: readonly string[],
  cell: (rounds: readonly Figures[]) => string,
): string {
  if (results.length === 0) return ''
  const rows = results.map((result) => {
    const cells = names.map((name) => {
      const rounds = result.servers.find((server) => server.name === name)?.rounds ?? []
      return rounds.length > 0 ? cell(rounds) : ''
    })
    const both = compare(result)
    const ratio = ({ value, least, greatest }: Ratio): string =>
      `${value.toFixed(2)} (${least.toFixed(2)} to ${greatest.toFixed(2)})`
    return [result.title, ...cells, both ? `**${ratio(both.cpu)}**` : '', both ? ratio(both.wall) : '']
  })
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const columns = [head, ...names, 'CPU, ours to theirs (spread)', 'time, ours to theirs']
  return [line(columns), line(columns.map((_, at) => (at === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n')
}
