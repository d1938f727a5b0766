/** Plays generated images: loads them in both forms, looks at them, saves them, runs them. */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { runtimeFolder } from '../reliability/traces.ts'
import { type Examined, examine, isReason } from './examine.ts'
import { differences, listTree, lookInside } from './views.ts'
import { DISK_LIMIT, type Workspace } from './workspace.ts'

/** A generated image, as its generator describes it. */
export interface ImageCase {
  id: string
  class: string
  what: string
  expect: string
  need: 'reject' | 'accept' | 'safe'
  probe: { rootfs_has?: string[]; rootfs_not?: string[]; rootfs_mode?: Record<string, string> }
}

/** A line of the table. */
export interface Row {
  id: string
  form: string
  expected: string
  got: string
  problems: string[]
  seconds: number
  memory: number
  disk: number
}

type Form = 'docker' | 'oci'
type Wish = 'load' | 'refuse' | 'either'

/** Lies that only one of the two forms can tell; in the other the image is an ordinary one. */
const ONLY_IN: Partial<Record<string, Form>> = {
  ...{ I01: 'oci', I05: 'oci', I06: 'oci', I07: 'oci', I08: 'oci', I09: 'oci', I10: 'oci' },
  ...{ I11: 'docker', I12: 'docker', I13: 'docker', I20: 'oci', I21: 'oci', I23: 'oci', I24: 'oci' },
}

/** What we promise beyond what the cases ask. */
const LOADS = ['T04', 'T05', 'T06', 'T19', 'T22', 'T38', 'T39', 'T40', 'T41', 'T42', 'T44', 'T46', 'I15', 'I22', 'I24']
const REFUSED = ['T07', 'T08', 'T12', 'T21', 'T26', 'T35', 'T47', 'I20']
/** Words of a warning that must be told. */
const WARNS: Partial<Record<string, RegExp>> = {
  T22: /overlay/,
  T40: /times as large/,
  T38: /media type/,
  T39: /media type/,
}
/** Whether the image's own configuration can be run. */
const RUNS: Partial<Record<string, Wish>> = {
  ...{ C01: 'either', C02: 'refuse', C03: 'refuse', C04: 'refuse', C05: 'load', C06: 'load', C07: 'refuse' },
}

function wishFor({ id, need }: ImageCase, form: Form): Wish {
  const only = ONLY_IN[id]
  if (only !== undefined && only !== form) return 'load'
  // names that are no names are left out, the image is none the worse
  if (id === 'I13') return 'either'
  if (REFUSED.includes(id) || need === 'reject') return 'refuse'
  return LOADS.includes(id) || need === 'accept' ? 'load' : 'either'
}

/** Plays one case in one form, with a store of its own. */
export async function playImage(each: ImageCase, form: Form, workspace: Workspace): Promise<Row> {
  const root = path.join(workspace.stores, `${each.id}-${form}`)
  cpSync(path.join(workspace.stores, 'template'), root, { recursive: true })
  const before = workspace.usedBytes()
  const wish = wishFor(each, form)
  const row: Row = { id: each.id, form, expected: wish, got: '', problems: [], seconds: 0, memory: 0, disk: 0 }
  const note = (examined: Examined): Examined => {
    row.problems.push(...examined.problems)
    row.seconds = Math.max(row.seconds, examined.result.seconds)
    row.memory = Math.max(row.memory, examined.result.peakMemory)
    row.disk = Math.max(row.disk, workspace.usedBytes() - before)
    return examined
  }
  try {
    const file = archiveFile(workspace, each.id, form)
    const load = note(await examine(['load', '-i', file], { root }))
    if (load.result.exitCode !== 0) {
      row.got = `refused: ${load.code} ${load.message.replace('error: ', '')}`
      if (wish === 'load') row.problems.push('it was refused')
    } else {
      row.got = 'loaded'
      if (wish === 'refuse') row.problems.push('it was loaded')
      await useImage(each, { root, workspace, load, row, note })
    }
  } finally {
    for (const folder of [root, runtimeFolder(root)]) rmSync(folder, { recursive: true, force: true })
  }
  if (row.disk > DISK_LIMIT) row.problems.push(`took ${row.disk >> 20} MiB of disk`)
  row.problems.push(...workspace.canary.changes().map((change) => `canary: ${change}`))
  return row
}

function archiveFile(workspace: Workspace, id: string, form: Form): string {
  const folder = path.join(workspace.cases, 'images', id)
  if (form === 'docker') return path.join(folder, 'docker.tar')
  const file = path.join(folder, 'oci.tar')
  if (!existsSync(file)) execFileSync('tar', ['-cf', file, '-C', path.join(folder, 'oci'), '.'])
  return file
}

interface Use {
  root: string
  workspace: Workspace
  load: Examined
  row: Row
  note: (examined: Examined) => Examined
}

async function useImage(each: ImageCase, use: Use): Promise<void> {
  const { root, load, row, note } = use
  const { stdout, stderr } = load.result
  const warning = WARNS[each.id]
  const isTold = (each.id !== 'T38' && each.id !== 'T39') || row.form === 'oci'
  if (warning && isTold && !warning.test(stdout + stderr)) row.problems.push(`no warning of ${warning}`)
  const image = /^Loaded image(?: ID)?: (\S+)$/m.exec(stdout.toString())?.[1]
  if (image === undefined) {
    row.problems.push(`no image was named: ${stdout}`)
    return
  }
  for (const args of [['images'], ['image', 'inspect', image], ['history', '--no-trunc', image]]) {
    note(await examine(args, { root }))
  }
  await saveAndReload(image, use)
  await lookAt(each, image, use)
  const wish = RUNS[each.id]
  if (wish) await runItself(image, wish, use)
}

/** What we load, we can save, and what we saved is the same image again. */
async function saveAndReload(image: string, { root, workspace, row, note }: Use): Promise<void> {
  const file = path.join(workspace.stores, 'saved.tar')
  const again = `${root}-again`
  try {
    const save = note(await examine(['save', '-o', file, image], { root }))
    const reload = note(await examine(['load', '-i', file], { root: again }))
    const ids = await Promise.all(
      [root, again].map((store) => examine(['images', '-q', '--no-trunc'], { root: store })),
    )
    const [first, second] = ids.map(({ result }) => result.stdout.toString())
    const failed = save.result.exitCode !== 0 || reload.result.exitCode !== 0
    if (failed || first !== second) row.problems.push('saved and loaded again it is another image')
  } finally {
    rmSync(file, { force: true })
    rmSync(again, { recursive: true, force: true })
  }
}

async function lookAt(each: ImageCase, image: string, { root, row, note, workspace }: Use): Promise<void> {
  const { rootfs_has: has = [], rootfs_not: not = [], rootfs_mode: modes = {} } = each.probe
  const tree = await listTree(root, image).catch((error: Error) => {
    row.problems.push(
      `its files cannot be listed: ${error.message.split('\n').find((line) => line.includes('Error:'))}`,
    )
    return new Set<string>()
  })
  const inside = await lookInside(root, image, Object.keys(modes))
  note(inside.run)
  const ran = inside.run.result.exitCode === 0
  row.got += ran ? ', runs' : `, run refused: ${inside.run.code} ${inside.run.message.replace('error: ', '')}`
  if (!ran && each.class !== 'runtime') {
    const { exitCode, stdout, stderr } = inside.run.result
    row.problems.push(`it does not run: exit code ${exitCode}, ${stdout.length} bytes of output, ${stderr}`)
  }
  if (!ran && !isReason(inside.run.code)) row.problems.push(`no reason: ${inside.run.result.stderr}`)
  for (const view of ran ? [tree, inside.listing] : [tree]) {
    for (const name of has) if (!view.has(name)) row.problems.push(`${name} is not there`)
    for (const name of not) if (view.has(name)) row.problems.push(`${name} is there`)
  }
  if (!ran) return
  for (const [name, mode] of Object.entries(modes)) {
    if (inside.modes.get(name) !== mode) row.problems.push(`${name} has the mode ${inside.modes.get(name)}`)
  }
  if (each.class !== 'runtime') row.problems.push(...differences(tree, inside.listing).slice(0, 5))
  if (inside.run.result.stdout.includes(workspace.canary.secret)) row.problems.push('the container sees the canary')
}

const LOOK =
  'id; pwd; /bin/sh -c "ls -la . .." 2>&1; cat /etc/passwd /etc/resolv.conf /etc/hosts victim ../victim 2>&1; env; true'

/** Runs the image with its own user, directory and environment. */
async function runItself(image: string, wish: Wish, { root, row, note, workspace }: Use): Promise<void> {
  const command = ['run', '--rm', '--network', 'none', image, '/bin/sh', '-c', LOOK]
  const run = note(await examine(command, { root, output: 'of a container' }))
  const ran = run.result.exitCode === 0
  row.got += ran ? ', itself runs' : `, itself refused: ${run.code} ${run.message.replace('error: ', '')}`
  if (ran && wish === 'refuse') row.problems.push(`it ran: ${run.result.stdout}`)
  if (!ran && wish === 'load') row.problems.push(`it did not run: ${run.result.stderr}`)
  if (!ran && !isReason(run.code)) row.problems.push(`no reason: ${run.result.stderr}`)
  if ((run.result.stdout + run.result.stderr).includes(workspace.canary.secret)) {
    row.problems.push('the container sees the canary')
  }
}
