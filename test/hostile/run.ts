/**
 * Plays hostile images and builds that generators make, against the real command line, and prints what became of each.
 * By hand and as root: `node test/hostile/run.ts FOLDER [--set a|b] [--layers erofs|directory] [--only T01,D02]`, where
 * FOLDER holds `gen.py OUT CANARY` and `gen_build.py OUT CANARY`. Nothing of that folder is part of this project.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { runCommand } from '../command.ts'
import { type BuildCase, playBuild } from './build-cases.ts'
import { type ImageCase, playImage, type Row } from './image-cases.ts'
import { openWorkspace, type StoreKind, type Workspace } from './workspace.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    set: { type: 'string', default: 'a' },
    layers: { type: 'string', default: 'erofs' },
    only: { type: 'string' },
  },
})
const folder = positionals[0]
if (folder === undefined || !existsSync(path.join(folder, 'gen.py'))) {
  console.log('no generators of hostile images here: nothing to play')
} else if (process.getuid?.() !== 0) {
  console.log('mounting needs root: nothing was played')
} else process.exitCode = await play(folder)

async function play(generators: string): Promise<number> {
  using workspace = openWorkspace(values.layers as StoreKind)
  generate(generators, workspace)
  const rows: Row[] = []
  const show = (row: Row): void => {
    rows.push(row)
    console.log(lineOf(row))
  }
  await makeTemplate(workspace)
  for (const each of readCases<ImageCase>(workspace, 'images/cases.json')) {
    for (const form of ['docker', 'oci'] as const) show(await playImage(each, form, workspace))
  }
  await importBase(workspace)
  for (const each of readCases<BuildCase>(workspace, 'builds/build.json')) show(await playBuild(each, workspace))
  return summarize(rows, workspace)
}

function generate(generators: string, workspace: Workspace): void {
  const make = (program: string, target: string): void => {
    const args = [path.join(generators, program), path.join(workspace.cases, target), workspace.canary.folder]
    execFileSync('python3', [...args, '--set', values.set], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  make('gen.py', 'images')
  make('gen_build.py', 'builds')
}

function readCases<T extends { id: string }>(workspace: Workspace, file: string): T[] {
  const cases = JSON.parse(readFileSync(path.join(workspace.cases, file), 'utf8')) as T[]
  const only = values.only?.split(',')
  return only ? cases.filter(({ id }) => only.includes(id)) : cases
}

/** A store that knows the machine already, so that not every case has to find out. */
async function makeTemplate(workspace: Workspace): Promise<void> {
  const { stdout } = await runCommand(['info'], { root: path.join(workspace.stores, 'template') })
  const kind = /^Layers: (\S+)/m.exec(stdout.toString())?.[1]
  if (kind !== values.layers) throw new Error(`layers are kept as ${kind} here, not as ${values.layers}`)
}

async function importBase(workspace: Workspace): Promise<void> {
  const root = path.join(workspace.stores, 'template')
  const base = path.join(workspace.cases, 'builds/base.tar')
  const { exitCode, stderr } = await runCommand(['import', base, 'g-evil/base'], { root })
  if (exitCode !== 0) throw new Error(stderr)
}

function lineOf({ id, form, expected, got, problems, seconds, memory, disk }: Row): string {
  const figures = `${seconds.toFixed(1).padStart(5)} s ${String(memory >> 20).padStart(4)} MiB ${String(disk >> 20).padStart(4)} MiB`
  const line = `${id} ${form.padEnd(6)} ${expected.padEnd(6)} ${figures}  ${problems.length === 0 ? 'ok ' : 'BAD'} ${got}`
  return [line, ...problems.map((problem) => `      ! ${problem}`)].join('\n')
}

function summarize(rows: readonly Row[], workspace: Workspace): number {
  const bad = rows.filter((row) => row.problems.length > 0)
  const most = (of: (row: Row) => number): number => Math.max(0, ...rows.map(of))
  const intact = workspace.canary.isIntact() ? 'intact' : 'CHANGED'
  console.log(
    `${rows.length} cases, ${rows.length - bad.length} ok, ${bad.length} bad (${bad.map(({ id, form }) => `${id} ${form}`).join(', ')}); ` +
      `canary ${intact}; longest ${most((row) => row.seconds).toFixed(1)} s, ` +
      `most memory ${most((row) => row.memory) >> 20} MiB, most disk ${most((row) => row.disk) >> 20} MiB`,
  )
  return bad.length === 0 ? 0 : 1
}
