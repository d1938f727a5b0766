/** Plays generated builds: hostile Dockerfiles and contexts. */

import { spawnSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import path from 'node:path'
import { runtimeFolder } from '../reliability/traces.ts'
import { examine } from './examine.ts'
import type { Row } from './image-cases.ts'
import { listTree } from './views.ts'
import { DISK_LIMIT, type Workspace } from './workspace.ts'

/** A generated build, as its generator describes it. */
export interface BuildCase {
  id: string
  what: string
  need: 'reject' | 'accept' | 'safe'
  args: string[]
  /** What must not be found in the output or in any file of the store; `victim` stands for the canary's secret. */
  leak: string | null
}

const REFUSED = ['D01', 'D03', 'D06', 'D19', 'D20', 'D25']
const BUILDS = ['D04', 'D05', 'D12', 'D13', 'D18', 'D24', 'D28']
/** What must have landed below the canary's path, inside of the image. */
const LANDS = ['D04', 'D05', 'D12', 'D13']
/** Where the line of the Dockerfile must be told. */
const TELLS_LINE = ['D19', 'D26']
/** A build argument is in the history, as in Docker; what must not be missing is the warning. */
const WARNS: Partial<Record<string, RegExp>> = { D18: /SecretsUsedInArgOrEnv/ }

/** Plays one case, with a store of its own that holds the base image. */
export async function playBuild(each: BuildCase, workspace: Workspace): Promise<Row> {
  const { id, args } = each
  const root = path.join(workspace.stores, id)
  cpSync(path.join(workspace.stores, 'template'), root, { recursive: true })
  const before = workspace.usedBytes()
  const context = path.join(workspace.cases, 'builds', id)
  const refused = REFUSED.includes(id) || each.need === 'reject'
  const expected = refused ? 'refuse' : BUILDS.includes(id) || each.need === 'accept' ? 'build' : 'either'
  const row: Row = { id, form: 'build', expected, got: '', problems: [], seconds: 0, memory: 0, disk: 0 }
  try {
    const command = ['--debug', 'build', '--progress=plain', ...args, '-t', 'hostile-case', context]
    const { result, code, message, problems } = await examine(command, { root, cwd: context })
    row.problems.push(...problems)
    Object.assign(row, { seconds: result.seconds, memory: result.peakMemory, disk: workspace.usedBytes() - before })
    const built = result.exitCode === 0
    row.got = built
      ? 'built'
      : `refused: ${code} ${message.replace(/^ERROR: failed to build: (failed to solve: )?/, '')}`
    if (built !== (expected === 'build') && expected !== 'either')
      row.problems.push(built ? 'it was built' : 'it was refused')
    if (TELLS_LINE.includes(id) && !/Dockerfile:\d+/.test(result.stderr)) row.problems.push('the line is not told')
    const warning = WARNS[id]
    if (warning && !warning.test(result.stderr)) row.problems.push(`no warning of ${warning}`)
    if (built && LANDS.includes(id)) await checkLanded(root, workspace, row)
    checkLeaks(each, { root, workspace, row, output: result.stdout + result.stderr })
  } finally {
    for (const folder of [root, runtimeFolder(root)]) rmSync(folder, { recursive: true, force: true })
  }
  if (row.disk > DISK_LIMIT) row.problems.push(`took ${row.disk >> 20} MiB of disk`)
  row.problems.push(...workspace.canary.changes().map((change) => `canary: ${change}`))
  return row
}

async function checkLanded(root: string, workspace: Workspace, row: Row): Promise<void> {
  const place = `${workspace.canary.folder.slice(1)}/pwned`
  if (!(await listTree(root, 'hostile-case')).has(place)) row.problems.push(`${place} is not in the image`)
}

function checkLeaks(
  { leak, id }: BuildCase,
  { root, workspace, row, output }: { root: string; workspace: Workspace; row: Row; output: string },
): void {
  const secrets = [workspace.canary.secret, ...(leak && leak !== 'victim' && !WARNS[id] ? [leak] : [])]
  for (const secret of secrets) {
    // the words of an instruction are shown; what it was given is not
    if (output.includes(secret)) row.problems.push(`the output tells ${secret}`)
    const found = spawnSync('grep', ['-rlaF', secret, root], { encoding: 'utf8' }).stdout.trim()
    if (found !== '') row.problems.push(`${secret} is in ${found}`)
  }
}
