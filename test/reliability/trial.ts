/** One killed command, and everything that must be true afterwards. */
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type CommandResult, runCommand, startCommand } from '../command.ts'
import { checkLayout, checkStore, heldLocks, problemsOf } from './check.ts'
import { commandOf, descendantsOf, runtimeFolder, runtimeLeftovers, tracesAfter } from './traces.ts'
import type { Operation } from './workload.ts'

/** Who is killed: the command, the keeper that works for it, or all processes there are. */
export type Victim = 'command' | 'keeper' | 'all'

/** What a trial is compared with: the same operation that nobody disturbed. */
export interface Reference {
  operation: Operation
  /** Seconds that it took. */
  seconds: number
  image: string
  /** What lies in the store after `image prune`, by path, with sizes. */
  files: Map<string, number>
  /** What it wrote beside the store. */
  output: Map<string, number>
}

export interface Trial {
  reference: Reference
  victim: Victim
  /** Seconds from its start to its end. */
  delay: number
  /** The store is that of an earlier trial of the same operation. */
  continues: boolean
}

export interface Outcome {
  /** Whether there still was something to kill. */
  killed: boolean
  /** Whether its image was there nevertheless, or gone if it was taken away. */
  committed: boolean
  /** What lay about before `image prune`. */
  leftovers: number
  problems: string[]
}

/** A store with a base image, which knows the machine: every trial begins with a copy. */
export async function makeTemplate(root: string): Promise<void> {
  for (const args of [['info'], ['bootstrap', 'busybox']]) expectSuccess(await runCommand(args, { root }), args)
}

function expectSuccess({ exitCode, stderr }: CommandResult, args: readonly string[]): void {
  if (exitCode !== 0) throw new Error(`slipway ${args.join(' ')}: ${stderr}`)
}

/** Does an operation in peace. */
export async function makeReference(operation: Operation, template: string, root: string): Promise<Reference> {
  emptyOutput(operation)
  if (operation.prepare) {
    cpSync(template, root, { recursive: true })
    expectSuccess(await runCommand(operation.prepare, { root }), operation.prepare)
    rmSync(root, { recursive: true })
  }
  cpSync(template, root, { recursive: true })
  const result = await runCommand(operation.args, { root })
  expectSuccess(result, operation.args)
  const image = await imageId(operation, root)
  expectSuccess(await runCommand(['image', 'prune', '-f'], { root }), ['image', 'prune'])
  const files = filesOf(root)
  const output = outputOf(operation)
  const { seconds } = operation.undo ? await runCommand(operation.undo, { root }) : result
  const reference = { operation, seconds, image, files, output }
  rmSync(root, { recursive: true })
  return reference
}

/** Takes away what an operation has written beside the store. */
export function emptyOutput({ out }: Operation): void {
  if (out === undefined) return
  rmSync(out, { recursive: true, force: true })
  mkdirSync(out)
}

/** Files that have their names, with sizes. An exported cache tells times, so it differs. */
function outputOf({ out }: Operation): Map<string, number> {
  const unfinished = /(^|\/)\.(unfinished|slipway)-|^cache(\/|$)/
  return new Map(out === undefined ? [] : [...filesOf(out)].filter(([name]) => !unfinished.test(name)))
}

/** Layouts are whole after each file that is written. */
function outputProblems({ out }: Operation): string[] {
  const layouts = ['cache', 'layout'].map((name) => path.join(out ?? '', name))
  const found = out === undefined ? [] : layouts.filter((folder) => existsSync(folder))
  return found.flatMap((folder) => problemsOf(checkLayout(folder)).map((problem) => `${folder}: ${problem}`))
}

async function imageId(operation: Operation, root: string): Promise<string> {
  const { stdout } = await runCommand(['images', '-q', '--no-trunc', operation.image], { root })
  return stdout.toString().trim()
}

/** Kills the operation once in the store at `root`, and looks. */
export async function runTrial(trial: Trial, root: string): Promise<Outcome> {
  const { killed, result } = await killOnce(trial, root)
  const outcome = await judge(trial.reference, root, result)
  if (trial.victim === 'keeper' && killed && result.exitCode > 128) outcome.problems.push('it died with its keeper')
  return { killed, ...outcome }
}

/** What must be true after a command that was killed; also does the operation again, and prunes. */
export async function judge(
  { operation, ...reference }: Reference,
  root: string,
  result: CommandResult,
): Promise<Omit<Outcome, 'killed'>> {
  const problems: string[] = []
  if (result.timedOut) problems.push('the command hung')
  problems.push(...(await tracesAfter(root)).map((trace) => `still there: ${trace}`))
  const left = checkStore(root)
  problems.push(...problemsOf(left).map((problem) => `after the kill: ${problem}`))
  const leftovers = left.leftovers.length + runtimeLeftovers(root).length
  problems.push(...heldLocks(root, runtimeFolder(root)).map((file) => `locked by nobody: ${file}`))
  problems.push(...outputProblems(operation))
  const wanted = operation.undo && !operation.undoKeepsImage ? '' : reference.image
  const committed = (await imageId(operation, root)) === wanted
  const builds = await runCommand(['builds', 'ls', '--filter', 'status=running'], { root })
  if (builds.stdout.toString().trim().split('\n').length !== 1 || builds.exitCode !== 0)
    problems.push(`builds ls: ${builds.stderr}${builds.stdout}`)
  if (!committed && /^Loaded image/m.test(result.stdout.toString())) problems.push('it said that the image is there')
  const commands = { images: ['images'], again: operation.args, prune: ['image', 'prune', '-f'] }
  for (const [name, args] of Object.entries(commands)) {
    const { exitCode, stderr } = await runCommand(args, { root })
    if (exitCode !== 0) problems.push(`${name}: ${stderr.slice(-500)}`)
  }
  const image = await imageId(operation, root)
  if (image !== reference.image) problems.push(`again it made ${image}, not ${reference.image}`)
  problems.push(...outputProblems(operation))
  if (operation.out) problems.push(...differences('output', outputOf(operation), reference.output))
  problems.push(...remains(root, reference))
  return { committed, leftovers, problems }
}

/** What pruning has left that an undisturbed operation does not leave, or has taken too much. */
function remains(root: string, { files }: Pick<Reference, 'files'>): string[] {
  const findings = checkStore(root)
  return [
    ...problemsOf(findings).map((problem) => `after pruning: ${problem}`),
    ...findings.leftovers.map((name) => `not pruned: ${name}`),
    ...runtimeLeftovers(root).map((name) => `not pruned: ${name}`),
    ...differences('store', filesOf(root), files),
  ]
}

function differences(where: string, now: ReadonlyMap<string, number>, wanted: ReadonlyMap<string, number>): string[] {
  return [
    ...[...now]
      .filter(([name, size]) => wanted.get(name) !== size)
      .map(([name, size]) => `too much in ${where}: ${name} (${size} bytes, not ${wanted.get(name)})`),
    ...[...wanted.keys()].filter((name) => !now.has(name)).map((name) => `too little in ${where}: ${name}`),
  ]
}

/**
 * Files and sizes in a store. The database keeps its size, and its neighbours come and go; every build leaves a log; git
 * packs things as it likes; only a RUN that is not found in a cache needs mounts.
 */
export function filesOf(root: string): Map<string, number> {
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !/^(slipway\.db|builds\/|git\/|cache-mounts|mount-points)/.test(name),
  )
  return new Map(names.map((name) => [name, sizeOf(path.join(root, name))]))
}

function sizeOf(file: string): number {
  const stat = statSync(file)
  return stat.isFile() ? stat.size : 0
}

async function killOnce(
  { reference, victim, delay, continues }: Trial,
  root: string,
): Promise<{ killed: boolean; result: CommandResult }> {
  const { args, undo } = reference.operation
  if (undo) expectSuccess(await runCommand(args, { root }), args)
  const [command = '', ...rest] = undo ?? args
  const anew = continues && command === 'build' ? ['--no-cache'] : []
  const { child, ended } = startCommand([command, ...anew, ...rest], { root })
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  await Promise.race([sleep(delay * 1000), ended])
  if (isOver) return { killed: false, result: await ended }
  const all = descendantsOf(child.pid!)
  const victims = { command: [child.pid!], keeper: all.filter(isKeeper).slice(0, 1), all }[victim]
  const killed = victims.filter(kill).length > 0
  return { killed, result: await ended }
}

/** `unshare` or the Node process behind it: either ends the other. */
function isKeeper(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && /keeper\.[jt]s/.test(commandOf(pid))
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch {
    return false
  }
}
