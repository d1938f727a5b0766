import { fail } from '../../core/index.ts'
import type { ContainerSummary } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { LIST_FORMAT } from '../format-flag.ts'
import { humanAge, humanDuration } from '../render/durations.ts'
import { escapeMessage, escapeName } from '../render/escape.ts'
import { goTime } from '../render/times.ts'
import { filtersOf, withEngine } from '../session.ts'
import { type Row, renderList } from '../template/index.ts'

const FORMATS = {
  typeName: '*formatter.ContainerContext',
  headers: {
    ID: 'CONTAINER ID',
    Image: 'IMAGE',
    Command: 'COMMAND',
    CreatedAt: 'CREATED AT',
    RunningFor: 'CREATED',
    Ports: 'PORTS',
    State: 'STATE',
    Status: 'STATUS',
    Size: 'SIZE',
    Names: 'NAMES',
    Labels: 'LABELS',
    Mounts: 'MOUNTS',
    LocalVolumes: 'LOCAL VOLUMES',
    Networks: 'NETWORKS',
  },
  named: { table: 'table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}' },
}

/** `Up 5 minutes`, `Exited (0) 2 hours ago`, `Created`. */
function statusOf({ state }: ContainerSummary, now: Date): string {
  if (state.status === 'created') return 'Created'
  if (state.status === 'running') return `Up ${humanDuration(now.getTime() - state.startedAt!.getTime())}`
  const when = state.finishedAt ? ` ${humanAge(state.finishedAt, now)}` : ''
  return `Exited (${state.exitCode})${when}`
}

function rowOf(container: ContainerSummary, options: { truncate: boolean; now: Date }): Row {
  const { truncate, now } = options
  const { id, name, record, state, createdAt } = container
  const words = escapeMessage([...record.entrypoint, ...record.command].join(' '))
  const command = truncate && words.length > 20 ? `${words.slice(0, 19)}…` : words
  const labels = Object.entries(record.labels).map(([key, value]) => `${key}=${value}`)
  return {
    ID: truncate ? id.slice(0, 12) : id,
    Image: escapeName(record.image),
    Command: JSON.stringify(command),
    CreatedAt: goTime(new Date(createdAt)),
    RunningFor: humanAge(new Date(createdAt), now),
    Ports: '',
    State: state.status,
    Status: statusOf(container, now),
    Size: '0B',
    Names: name,
    Labels: escapeMessage(labels.join(',')),
    Label: (key: string) => record.labels[key] ?? '',
    Mounts: record.mounts.map((mount) => mount.source ?? mount.target).join(','),
    LocalVolumes: '0',
    Networks: record.network,
  }
}

const TESTS: Record<string, (container: ContainerSummary, value: string) => boolean> = {
  id: ({ id }, value) => id.startsWith(value),
  name: ({ name }, value) => name.includes(value.replace(/^\//, '')),
  status: ({ state }, value) => state.status === value,
  exited: ({ state }, value) => state.status === 'exited' && state.exitCode === Number(value),
  label: ({ record }, value) => {
    const [key = '', wanted] = value.split(/=(.*)/s)
    return Object.hasOwn(record.labels, key) && (wanted === undefined || record.labels[key] === wanted)
  },
  ancestor: ({ record }, value) =>
    record.image === value || record.image === `${value}:latest` || record.imageId.includes(value),
  network: ({ record }, value) => record.network === value,
}

const STATES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead']

function filter(pairs: readonly string[]): (container: ContainerSummary) => boolean {
  const filters = Object.entries(filtersOf(pairs))
  const unknown = filters.find(([name]) => !Object.hasOwn(TESTS, name))
  if (unknown) throw fail('FILTER_INVALID', `invalid filter '${unknown[0]}'`)
  const state = filters
    .flatMap(([name, values]) => (name === 'status' ? values : []))
    .find((it) => !STATES.includes(it))
  if (state !== undefined) {
    const problem = `invalid value for state (${state}): must be one of ${STATES.join(', ')}`
    throw fail('FILTER_INVALID', `invalid filter 'status=${state}': ${problem}`)
  }
  return (container) => filters.every(([name, values]) => values.some((value) => TESTS[name]!(container, value)))
}

/** `slipway ps`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    all: { kind: 'bool', short: 'a', about: 'Show all containers (default shows just running)' },
    filter: { kind: 'list', short: 'f', placeholder: 'filter', about: 'Filter output based on conditions provided' },
    format: LIST_FORMAT,
    last: { kind: 'int', short: 'n', default: -1, about: 'Show n last created containers (includes all states)' },
    latest: { kind: 'bool', short: 'l', about: 'Show the latest created container (includes all states)' },
    'no-trunc': { kind: 'bool', about: "Don't truncate output" },
    quiet: { kind: 'bool', short: 'q', about: 'Only display container IDs' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      const most = flags.latest ? 1 : flags.last >= 0 ? flags.last : undefined
      const asked = flags.filter.some((pair) => /^(status|exited)=/.test(pair))
      const everyState = flags.all || most !== undefined || asked
      const shown = engine.containers
        .list()
        .filter((each) => everyState || each.state.status === 'running')
        .filter(filter(flags.filter))
        .slice(0, most)
      const options = { truncate: !flags['no-trunc'], now: new Date() }
      const rows = shown.map((container) => rowOf(container, options))
      await io.stdout.write(renderList(flags.quiet ? '{{.ID}}' : flags.format, FORMATS, rows))
      return 0
    }),
})
