/**
 * Loads hostile images that a generator made (`<folder>/<case>/oci` and `docker.tar`, `<folder>/cases.json`) through
 * `src/transfer`, and archives of other projects, and says what became of them. Run by hand:
 * `node test/vectors/archives.ts FOLDER` or `... archives.ts FILE.tar`; nothing of them is part of this project.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { messageOf, SlipwayError } from '../../src/core/index.ts'
import type { ImageSource } from '../../src/oci/index.ts'
import { copyImage, MemoryRepository, openImageArchive, openOciLayout } from '../../src/transfer/index.ts'

interface Case {
  id: string
  what: string
  need: 'reject' | 'accept' | 'safe'
}

const input = process.argv[2] ?? process.env['SLIPWAY_HOSTILE']
if (input === undefined || !existsSync(input)) {
  console.log('no generated images here: nothing to play')
} else if (statSync(input).isFile()) {
  console.log(await loadArchive(input))
} else {
  await playCases(input)
}

async function playCases(folder: string): Promise<void> {
  const cases = JSON.parse(readFileSync(path.join(folder, 'cases.json'), 'utf8')) as Case[]
  const wrong: string[] = []
  for (const { id, what, need } of cases) {
    const [oci, docker] = [
      await loadLayout(path.join(folder, id, 'oci')),
      await loadArchive(path.join(folder, id, 'docker.tar')),
    ]
    console.log(`${id} ${need.padEnd(6)} ${what}\n   oci:    ${oci}\n   docker: ${docker}`)
    for (const outcome of [oci, docker]) if (outcome.startsWith('BUG')) wrong.push(`${id}: ${outcome}`)
    // what only one of the two forms can express is refused in that form
    const refused = [oci, docker].some((outcome) => outcome !== 'loaded')
    if (need === 'accept' && refused) wrong.push(`${id} was refused`)
    if (need === 'reject' && !refused) wrong.push(`${id} was loaded`)
  }
  if ('polluted' in {}) wrong.push('Object.prototype was changed')
  const peak = Math.round(process.resourceUsage().maxRSS / 1024)
  console.log(`${cases.length} cases, ${wrong.length} to look at, at most ${peak} MiB of memory`)
  for (const line of wrong) console.log(`  ${line}`)
}

async function outcomeOf(work: () => Promise<void>): Promise<string> {
  try {
    await work()
    return 'loaded'
  } catch (error) {
    const name = error instanceof SlipwayError ? error.code : 'BUG'
    return `${name} ${messageOf(error).slice(0, 150)}`
  }
}

function loadLayout(folder: string): Promise<string> {
  return outcomeOf(async () => {
    const layout = await openOciLayout(folder)
    for await (const name of layout.tags()) await load(layout, name)
  })
}

function loadArchive(file: string): Promise<string> {
  return outcomeOf(async () => {
    await using archive = await openImageArchive(file)
    for (const { descriptor } of await archive.images()) await load(archive, descriptor.digest)
  })
}

async function load(from: ImageSource, ref: string): Promise<void> {
  await copyImage(from, new MemoryRepository(), { ref, as: 'loaded', select: 'available' })
}
