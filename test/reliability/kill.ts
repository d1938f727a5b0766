/**
 * Kills builds, loads, pulls and removals at random moments, and looks whether anything was lost. By hand and as root:
 * `node test/reliability/kill.ts [--trials 200] [--seed 1] [--scale 1] [--folder /tmp]`. Every second trial goes on
 * with the store of the one before it.
 */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand } from '../command.ts'
import { listenForGit } from '../hostile/servers.ts'
import { makeBuilds } from './builds.ts'
import { servePulls } from './pulls.ts'
import { runtimeFolder } from './traces.ts'
import {
  emptyOutput,
  makeReference,
  makeTemplate,
  type Outcome,
  type Reference,
  runTrial,
  type Trial,
  type Victim,
} from './trial.ts'
import { makeWorkload, type WorkloadSize } from './workload.ts'

/** The whole campaign. */
export interface Campaign {
  trials: number
  seed: number
  /** Where stores and archives are made. */
  folder: string
  size: WorkloadSize
  /** Hears of each trial. */
  report?: (trial: Trial, outcome: Outcome, at: number) => void
}

/** A workload of a size: 1 is that of a large project and a distribution. */
export function sizeOf(scale: number): WorkloadSize {
  return {
    contextFiles: Math.round(5000 * scale),
    stepFiles: Math.round(2000 * scale),
    archiveFiles: Math.round(50_000 * scale),
    systemBytes: Math.round((150 << 20) * scale),
  }
}

/** Runs a campaign; returns all outcomes with their trials. */
export async function runCampaign(campaign: Campaign): Promise<{ trial: Trial; outcome: Outcome }[]> {
  const folder = mkdtempSync(path.join(campaign.folder, 'slipway-kill-'))
  const root = path.join(folder, 'store')
  const repositories = path.join(folder, 'repositories')
  await using server = await listenForGit(repositories)
  try {
    const operations = makeWorkload(path.join(folder, 'work'), campaign.size)
    await using pulls = await servePulls(folder, operations)
    operations.push({ ...operations.at(-1)!, name: 'rmi', undo: ['rmi', operations.at(-1)!.image] })
    operations.push(...makeBuilds(path.join(folder, 'work'), campaign.size, { folder: repositories, url: server.url }))
    operations.push(...pulls.operations)
    const template = path.join(folder, 'template')
    await makeTemplate(template)
    const references: Reference[] = []
    for (const operation of operations) references.push(await makeReference(operation, template, root))
    const random = randomNumbers(campaign.seed)
    const results: { trial: Trial; outcome: Outcome }[] = []
    for (let at = 0; at < campaign.trials; at++) {
      const last = results.at(-1)
      const before = at % 2 === 1 && last?.outcome.problems.length === 0 ? last.trial : undefined
      const trial = chooseTrial(before ? [before.reference] : references, random, before !== undefined)
      await prepareStore({ root, template, before })
      emptyOutput(trial.reference.operation)
      const outcome = await runTrial(trial, root)
      results.push({ trial, outcome })
      campaign.report?.(trial, outcome, at)
    }
    return results
  } finally {
    rmSync(folder, { recursive: true, force: true })
    for (const each of ['store', 'template'])
      rmSync(runtimeFolder(path.join(folder, each)), { recursive: true, force: true })
  }
}

/** A fresh copy, or the store of the trial before without its image: what was cached stays. */
async function prepareStore(places: { root: string; template: string; before: Trial | undefined }): Promise<void> {
  const { root, template, before } = places
  if (before) {
    await runCommand(['rmi', before.reference.operation.image], { root })
    return
  }
  rmSync(root, { recursive: true, force: true })
  cpSync(template, root, { recursive: true })
}

function chooseTrial(references: readonly Reference[], random: () => number, continues: boolean): Trial {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const reference = pick(references)
  const { hasKeeper, undo } = reference.operation
  const victim: Victim = hasKeeper && !undo ? pick(['command', 'command', 'keeper', 'all']) : pick(['command', 'all'])
  // commits and renames come late, and later on a busy machine
  const share = random() < 0.4 ? 0.7 + 0.6 * random() : random()
  return { reference, victim, delay: share * reference.seconds, continues }
}

/** Mulberry32: the same numbers for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Counts by operation and victim. */
export function tableOf(results: readonly { trial: Trial; outcome: Outcome }[]): string[] {
  const rows = new Map<string, { trials: number; killed: number; committed: number; leftovers: number; bad: number }>()
  for (const { trial, outcome } of results) {
    const name = `${trial.reference.operation.name}, ${trial.victim} killed`
    const row = rows.get(name) ?? { trials: 0, killed: 0, committed: 0, leftovers: 0, bad: 0 }
    row.trials++
    row.killed += Number(outcome.killed)
    row.committed += Number(outcome.killed && outcome.committed)
    row.leftovers += Number(outcome.leftovers > 0)
    row.bad += Number(outcome.problems.length > 0)
    rows.set(name, row)
  }
  return [...rows].sort().map(([name, { trials, killed, committed, leftovers, bad }]) => {
    return `${name.padEnd(32)} ${trials} trials, ${killed} killed in time (${committed} after the commit), ${leftovers} left something to prune, ${bad} bad`
  })
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      trials: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
      scale: { type: 'string', default: '1' },
      folder: { type: 'string', default: os.tmpdir() },
    },
  })
  if (process.getuid?.() !== 0) throw new Error('builds with RUN need root')
  console.log(`seed ${values.seed}, scale ${values.scale}`)
  const results = await runCampaign({
    trials: Number(values.trials),
    seed: Number(values.seed),
    folder: values.folder,
    size: sizeOf(Number(values.scale)),
    report({ reference, victim, delay }, { killed, committed, leftovers, problems }, at) {
      const what = `${reference.operation.name}, ${victim} after ${delay.toFixed(2)} of ${reference.seconds.toFixed(2)} s`
      const end = killed ? `killed ${committed ? 'after' : 'before'} the commit` : 'nothing there to kill'
      console.log(`${at + 1} ${what}: ${end}, ${leftovers} leftovers, ${problems.length === 0 ? 'ok' : 'BAD'}`)
      for (const problem of problems) console.log(`    ! ${problem}`)
    },
  })
  for (const line of tableOf(results)) console.log(line)
  const bad = results.filter(({ outcome }) => outcome.problems.length > 0).length
  console.log(
    `${results.length} trials, ${results.filter(({ outcome }) => outcome.killed).length} kills in time, ${bad} bad`,
  )
  process.exitCode = bad === 0 ? 0 : 1
}
