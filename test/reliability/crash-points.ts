/**
 * Kills a command at each of its system calls that change what is on the disk, one after the other, and looks whether
 * anything was lost. By hand and as root, with strace: `node test/reliability/crash-points.ts [OPERATION] [--folder /tmp]`.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type CommandResult, runCommand } from '../command.ts'
import { servePulls } from './pulls.ts'
import { runtimeFolder } from './traces.ts'
import { judge, makeReference, makeTemplate, type Reference } from './trial.ts'
import { makeWorkload, SMALL } from './workload.ts'

const CALLS = 'rename,renameat2,fsync,fdatasync,unlink,rmdir'

/** Runs what is to be killed; `when` is the number of the call that kills, none for a run in peace. */
async function run(
  { operation }: Reference,
  places: { root: string; log: string },
  when?: number,
): Promise<CommandResult> {
  const { root, log } = places
  if (operation.undo) await runCommand(operation.args, { root })
  const kill = when === undefined ? [] : ['-e', `inject=${CALLS}:signal=SIGKILL:when=${when}`]
  const wrapper = ['strace', '-qq', '-o', log, '-e', `trace=${CALLS}`, '-e', 'signal=none', ...kill]
  return runCommand(operation.undo ?? operation.args, { root, wrapper })
}

async function playOperation(reference: Reference, folder: string, template: string): Promise<number> {
  const places = { root: path.join(folder, 'store'), log: path.join(folder, 'calls') }
  const fresh = (): void => {
    rmSync(places.root, { recursive: true, force: true })
    cpSync(template, places.root, { recursive: true })
  }
  fresh()
  await run(reference, places)
  const calls = readFileSync(places.log, 'utf8').trim().split('\n')
  const { name } = reference.operation
  let [bad, committed] = [0, 0]
  for (let when = 1; when <= calls.length; when++) {
    fresh()
    const result = await run(reference, places, when)
    const outcome = await judge(reference, places.root, result)
    committed += Number(outcome.committed)
    bad += Number(outcome.problems.length > 0)
    for (const problem of outcome.problems) console.log(`${name}, ${when} ${calls[when - 1]}: ${problem}`)
  }
  console.log(`${name}: killed at each of ${calls.length} calls, ${committed} after the commit, ${bad} bad`)
  return bad
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { folder: { type: 'string', default: os.tmpdir() } },
})
const folder = mkdtempSync(path.join(values.folder, 'slipway-crash-'))
try {
  const template = path.join(folder, 'template')
  await makeTemplate(template)
  const operations = makeWorkload(path.join(folder, 'work'), SMALL)
  await using pulls = await servePulls(folder, operations)
  operations.push({ ...operations.at(-1)!, name: 'rmi', undo: ['rmi', operations.at(-1)!.image] })
  operations.push(...pulls.operations)
  let bad = 0
  for (const operation of operations.filter(({ name }) => positionals.length === 0 || positionals.includes(name))) {
    bad += await playOperation(await makeReference(operation, template, path.join(folder, 'store')), folder, template)
  }
  process.exitCode = bad === 0 ? 0 : 1
} finally {
  for (const name of ['store', 'template'])
    rmSync(runtimeFolder(path.join(folder, name)), { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
}
