/*
 * Builds the same Dockerfiles with Docker and with Slipway, from the same base images, and compares what comes out:
 * the ending, the image config, the files. Run by hand, as root:
 *
 *   node test/parity/run.ts [--docker auto|FOLDER|PROGRAM] [--cases FOLDER|FILE]... [--base NAME=ARCHIVE]...
 *                           [--work FOLDER] [--verbose] [NAME...]
 *
 * See README.md beside this file.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Bases } from './bases.ts'
import type { Build, Case } from './case.ts'
import { type Comparison, compareEndings, compareImages } from './compare.ts'
import { Docker } from './docker.ts'
import { readForeignCases } from './foreign.ts'
import { readWithGnuTar, readWithSlipway } from './image.ts'
import { readOwnCases } from './own.ts'
import { Slipway } from './slipway.ts'

const { values: flags, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    docker: { type: 'string', default: process.env['SLIPWAY_PARITY_DOCKER'] ?? 'auto' },
    cases: { type: 'string', multiple: true },
    base: { type: 'string', multiple: true, default: [] },
    work: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})

interface Sides {
  docker: Docker
  slipway: Slipway
  bases: Bases
  work: string
}

interface Verdict extends Comparison {
  skip?: string
  ended: 'image' | 'error'
}

async function main(): Promise<void> {
  const work = path.resolve(flags.work ?? mkdtempSync(path.join(tmpdir(), 'parity-')))
  try {
    await using docker = await startDocker(path.join(work, 'docker'))
    if (docker) await playAll(docker, work)
  } finally {
    if (flags.work === undefined) rmSync(work, { recursive: true, force: true })
  }
}

async function startDocker(folder: string): Promise<Docker | undefined> {
  try {
    return await Docker.start(flags.docker, folder)
  } catch (error) {
    console.log(`Not run: no Docker to compare with (${(error as Error).message}). Name one with --docker.`)
    return undefined
  }
}

async function playAll(docker: Docker, work: string): Promise<void> {
  using slipway = new Slipway(path.join(work, 'slipway'))
  const archives = flags.base.map(
    (pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)] as const,
  )
  const bases = new Bases(docker, slipway, work, new Map(archives))
  await bases.prepare()
  console.log(`Docker ${await docker.version()}`)
  const all = flags.cases ? flags.cases.flatMap(readForeignCases) : readOwnCases()
  const cases = all.filter(({ name }) => names.length === 0 || names.some((wanted) => name.includes(wanted)))
  const counts = { equal: 0, different: 0, skipped: 0 }
  for (const each of cases) counts[report(each, await play(each, { docker, slipway, bases, work }))]++
  console.log(`${counts.equal} equal, ${counts.different} different, ${counts.skipped} skipped`)
  process.exitCode = counts.different > 0 ? 1 : 0
}

async function play({ builds, exceptions, skip }: Case, sides: Sides): Promise<Verdict> {
  const verdict: Verdict = { differences: [], times: 0, ended: 'image' }
  if (skip !== undefined) return { ...verdict, skip }
  for (const build of builds) {
    const one = await playBuild(build, exceptions, sides)
    if (one.skip !== undefined) return one
    verdict.differences.push(...one.differences)
    verdict.times += one.times
    verdict.ended = one.ended
  }
  return verdict
}

/** What newer frontends have than the one that comes with the reference. */
const NEWER = /unknown flag: (--parents)$/m

let made = 0

async function playBuild(build: Build, exceptions: Case['exceptions'], sides: Sides): Promise<Verdict> {
  const { docker, slipway, bases, work } = sides
  const tag = build.image ?? `parity-case:${++made}`
  // each its own: of a folder that it has seen, BuildKit takes a file of the same size and time for the same file
  const folder = mkdtempSync(path.join(work, 'context-'))
  await build.prepare(folder)
  const dockerfile = path.join(folder, build.dockerfileName)
  mkdirSync(path.dirname(dockerfile), { recursive: true })
  writeFileSync(dockerfile, build.dockerfile)
  const { ending: ours, skip } = await bases.completeFor(() => slipway.build(build, folder, tag))
  if (skip !== undefined) return { differences: [], times: 0, ended: 'error', skip }
  if (!ours.ok && ours.code === 'BUILD_UNSUPPORTED')
    return { differences: [], times: 0, ended: 'error', skip: ours.message }
  const theirs = await docker.build(build, folder, tag)
  rmSync(folder, { recursive: true })
  const newer = theirs.ok ? undefined : NEWER.exec(theirs.message)?.[1]
  if (newer !== undefined && ours.ok)
    return { differences: [], times: 0, ended: 'error', skip: `Docker has no ${newer}` }
  const differences = compareEndings(theirs, ours, exceptions)
  if (!theirs.ok || !ours.ok) return { differences, times: 0, ended: 'error' }
  const images = await readBoth(tag, sides)
  if (build.image === undefined) await docker.remove(tag)
  return { ...compareImages(images.docker, images.slipway, exceptions), ended: 'image' }
}

async function readBoth(tag: string, { docker, slipway, work }: Sides) {
  const files = { docker: path.join(work, 'docker.tar'), slipway: path.join(work, 'slipway.tar') }
  await Promise.all([docker.save(tag, files.docker), slipway.save(tag, files.slipway)])
  const images = {
    docker: readWithGnuTar(files.docker, work),
    slipway: await readWithSlipway(files.slipway, work),
  }
  for (const file of Object.values(files)) rmSync(file)
  return images
}

const MOST_LINES = 12

function report({ name }: Case, verdict: Verdict): 'equal' | 'different' | 'skipped' {
  const { differences, skip, ended, times } = verdict
  const result = skip !== undefined ? 'skipped' : differences.length > 0 ? 'different' : 'equal'
  const note =
    skip ?? [ended === 'error' ? 'both fail' : '', times > 0 ? `${times} times` : ''].filter(Boolean).join(', ')
  console.log(`${result.padEnd(9)} ${name}${note ? ` (${note})` : ''}`)
  const lines = flags.verbose ? differences : differences.slice(0, MOST_LINES)
  for (const line of lines) console.log(`            ${line}`)
  if (lines.length < differences.length) console.log(`            and ${differences.length - lines.length} more`)
  return result
}

if (process.getuid?.() === 0) await main()
else console.log('Not run: building with Docker and reading images with their owners needs root.')
