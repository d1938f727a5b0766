/*
 * Compares what GNU tar extracts from archives with our mount, our FileTree, our unpacked directory and our merged
 * index of them: names, kinds, modes, owners, times, links, extended attributes, contents.
 * Run by hand, as root: node test/layer-parity.ts ARCHIVE... (WORK_DIR for where to work, VERBOSE=1 for all differences)
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { cleanWork, compareWithGnuTar } from '../src/layer/parity.suite.ts'

const work = process.env['WORK_DIR'] ?? mkdtempSync(path.join(tmpdir(), 'slipway-parity-'))
let worst = 0
console.log('entries  mount  tree  unpack  merge  archive')
for (const archive of process.argv.slice(2)) {
  cleanWork(work)
  const { gnu, refused, entries, mount, tree, unpacked, merged } = await compareWithGnuTar(archive, work)
  const views = [mount, tree, unpacked, merged]
  const counts = views.map((view) => (refused ? '-' : String(view.length)).padStart(5)).join('  ')
  const notes = [refused && `we refuse: ${refused.slice(0, 120)}`, gnu && `GNU tar: ${gnu}`].filter(Boolean).join('; ')
  console.log(`${String(entries).padStart(7)}  ${counts}  ${path.basename(archive)}${notes ? `  (${notes})` : ''}`)
  const lines = [...new Set(views.flat())]
  for (const line of process.env['VERBOSE'] ? lines : lines.slice(0, 3)) console.log(`          ${line}`)
  worst = Math.max(worst, lines.length)
}
rmSync(work, { recursive: true, force: true })
process.exitCode = worst > 0 ? 1 : 0
