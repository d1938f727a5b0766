import type { BuildStep, PastBuild } from '../../engine/index.ts'
import { familiarReference, parseReference } from '../../oci/index.ts'
import { alignColumns } from './columns.ts'
import { escapeMessage, escapeName } from './escape.ts'
import { humanSize } from './sizes.ts'

/** Seconds with one digit, minutes from one minute on: `0.3s`, `2m 5s`, `1h 1m`. */
export function briefDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000
  if (seconds < 60) return `${seconds.toFixed(1)}s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60 ? `${minutes}m ${Math.floor(seconds % 60)}s` : `${Math.floor(minutes / 60)}h ${minutes % 60}m`
}

/** What a build took up to its end, or up to now. */
export function durationOf({ startedAt, finishedAt }: PastBuild, now: number): number {
  return (finishedAt ?? now) - startedAt
}

/** `Completed`, as buildx writes it. */
export function statusOf({ status }: PastBuild): string {
  return `${status[0]!.toUpperCase()}${status.slice(1)}`
}

const timeOf = ({ startedAt, finishedAt }: BuildStep): string =>
  startedAt === undefined || finishedAt === undefined ? '-' : briefDuration(finishedAt - startedAt)

/** A table of the steps that are shown: what became of each, how long it took, and what its layers hold. */
export function reportTable(record: PastBuild): string {
  const shown = record.steps.filter((step) => step.label !== '')
  const rows = shown.map((step) => {
    const size = step.bytes === undefined ? '-' : humanSize(step.bytes, 3)
    return [step.n, step.result.toUpperCase(), timeOf(step), size, escapeName(step.label)].join('\t')
  })
  const time = record.finishedAt === undefined ? '-' : briefDuration(record.finishedAt - record.startedAt)
  const bytes = shown.reduce((sum, step) => sum + (step.bytes ?? 0), 0)
  const total = `build ${record.id}: ${record.cachedSteps} of ${record.totalSteps} steps cached`
  rows.push(['', statusOf(record).toUpperCase(), time, humanSize(bytes, 3), total].join('\t'))
  return `${alignColumns(['#\tRESULT\tTIME\tSIZE\tSTEP', ...rows].join('\n'), { minimum: 0, padding: 3 })}\n`
}

/** A record as an object for templates and JSON, in the words of `docker buildx history inspect`. */
export function recordObject(record: PastBuild, now: number): Record<string, unknown> {
  const { startedAt, finishedAt, error } = record
  const shown = record.steps.filter((step) => step.label !== '')
  return {
    Name: record.name,
    Ref: record.id,
    Context: record.context,
    Dockerfile: record.dockerfile,
    ...(record.target === undefined ? {} : { Target: record.target }),
    Platform: record.platforms,
    StartedAt: new Date(startedAt).toISOString(),
    ...(finishedAt === undefined ? {} : { CompletedAt: new Date(finishedAt).toISOString() }),
    Duration: durationOf(record, now) * 1e6,
    Status: record.status,
    ...(error
      ? { Error: { Code: error.code, Message: error.message, ...(error.line ? { Line: error.line } : {}) } }
      : {}),
    NumCompletedSteps: shown.filter((step) => step.result === 'done' || step.result === 'cached').length,
    NumTotalSteps: record.totalSteps,
    NumCachedSteps: record.cachedSteps,
    NumWarnings: record.warnings,
    BuildArgs: pairs(record.buildArgs),
    Labels: pairs(record.labels),
    Tags: record.tags.map(shortName),
    ImageID: record.image ?? '',
    Digest: record.digest ?? '',
    LogBytes: record.logBytes,
    Steps: record.steps.map(stepObject),
  }
}

/** The short form of a full name. */
export function shortName(name: string): string {
  return familiarReference(parseReference(name))
}

const pairs = (values: Record<string, string>): { Name: string; Value: string }[] =>
  Object.entries(values).map(([Name, Value]) => ({ Name, Value }))

/** A step as `inspect` shows it. */
export function stepObject(step: BuildStep): Record<string, unknown> {
  const { n, label, kind, inputs, result, startedAt, finishedAt, opKey, diffIds, bytes, line, config, args } = step
  const ended = startedAt !== undefined && finishedAt !== undefined
  return {
    Number: n,
    Name: label,
    Kind: kind,
    Inputs: inputs,
    Result: result,
    ...(startedAt === undefined ? {} : { StartedAt: new Date(startedAt).toISOString() }),
    ...(ended ? { CompletedAt: new Date(finishedAt).toISOString(), Duration: (finishedAt - startedAt) * 1e6 } : {}),
    ...(bytes === undefined ? {} : { Size: bytes }),
    ...(line === undefined ? {} : { Line: line }),
    ...(opKey === undefined ? {} : { OperationKey: opKey }),
    ...(diffIds === undefined ? {} : { Layers: diffIds }),
    ...(config === undefined ? {} : { Env: config.env, WorkingDir: config.cwd, User: config.user }),
    ...(args === undefined ? {} : { Args: args }),
  }
}

/** A record in words, as `docker buildx history inspect` prints it, with the table of steps. */
export function describeRecord(record: PastBuild, now: number): string {
  const rows: [string, string | undefined][] = [
    ['Name', record.name],
    ['Ref', record.id],
    ['Context', record.context],
    ['Dockerfile', record.dockerfile],
    ['Target', record.target],
    ['Platform', record.platforms.join(', ')],
    ['Tags', record.tags.map(shortName).join(', ')],
    ['Image ID', record.image],
    ['Digest', record.digest],
    ['Started', new Date(record.startedAt).toISOString()],
    ['Duration', record.status === 'interrupted' ? undefined : briefDuration(durationOf(record, now))],
    ['Status', statusOf(record)],
    ['Error', record.error?.message],
    ['Build Steps', stepsLine(record)],
    ...Object.entries(record.buildArgs).map(([name, value]): [string, string] => [`Arg ${name}`, value]),
  ]
  const lines = rows.flatMap(([name, value]) => (value ? [`${name}:\t${escapeMessage(value)}`] : []))
  const table = record.steps.length > 0 ? `\n${reportTable(record)}` : ''
  return `${alignColumns(lines.join('\n'), { minimum: 0, padding: 2 })}\n${table}\nPrint build logs: slipway builds logs ${record.id}\n`
}

function stepsLine({ steps, totalSteps, cachedSteps }: PastBuild): string {
  const ended = steps.filter((step) => step.label !== '' && (step.result === 'done' || step.result === 'cached')).length
  const share = totalSteps === 0 ? 0 : Math.round((cachedSteps / totalSteps) * 100)
  return `${ended}/${totalSteps} (${share}% cached)`
}
