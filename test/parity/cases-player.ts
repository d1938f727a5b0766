/*
 * Plays cases that other projects' build tests were turned into, against Slipway's command line or, to find out whether
 * a case says what Docker does, against Docker's:
 *
 *   node test/parity/cases-player.ts --cases FOLDER [--docker FOLDER] [--confirmed FILE]... [--class NAME]...
 *                                    [--only REGEX] [--json OUT] [--base NAME=ARCHIVE]... [--work FOLDER]
 *
 * By hand and as root. See README.md beside this file.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { Docker } from './docker.ts'
import { prepareBases } from './player/bases.ts'
import { DockerTool } from './player/docker-tool.ts'
import { readCases, readTrust, type StepCase } from './player/document.ts'
import { playCase } from './player/play.ts'
import { printRow, printTable, type Row, rowOf, writeRows } from './player/report.ts'
import { SlipwayTool } from './player/slipway-tool.ts'
import type { Tool } from './player/tool.ts'

const { values: flags } = parseArgs({
  options: {
    cases: { type: 'string', multiple: true, default: [] },
    docker: { type: 'string' },
    confirmed: { type: 'string', multiple: true, default: [] },
    class: { type: 'string', multiple: true, default: ['mechanical'] },
    only: { type: 'string' },
    json: { type: 'string' },
    work: { type: 'string' },
  },
})

async function main(): Promise<void> {
  const places = flags.cases.filter((place) => existsSync(place))
  for (const place of flags.cases) if (!places.includes(place)) console.log(`Not played: there is no ${place}.`)
  if (flags.cases.length === 0) console.log('Not played: name a folder of cases with --cases.')
  if (places.length === 0) return
  if (process.getuid?.() !== 0) return console.log('Not played: building and reading what was built needs root.')
  const work = path.resolve(flags.work ?? mkdtempSync(path.join(tmpdir(), 'player-')))
  mkdirSync(work, { recursive: true })
  try {
    await playAll(places.flatMap(readCases).filter(isWanted), work)
  } finally {
    if (flags.work === undefined) rmSync(work, { recursive: true, force: true })
  }
}

function isWanted({ name, class: kind }: StepCase): boolean {
  return flags.class.includes(kind) && (flags.only === undefined || new RegExp(flags.only).test(name))
}

async function playAll(cases: readonly StepCase[], work: string): Promise<void> {
  const trust = new Map(flags.confirmed.flatMap((file) => [...readTrust(file)]))
  await using docker =
    flags.docker === undefined ? undefined : await Docker.start(flags.docker, path.join(work, 'docker'))
  await using tool = await openTool(docker, work)
  const rows: Row[] = []
  for (const each of cases) {
    const begun = performance.now()
    const verdict = await playCase(each, tool, work)
    const row = rowOf(each, verdict, trust.get(each.name), (performance.now() - begun) / 1000)
    rows.push(row)
    printRow(row)
  }
  printTable(rows)
  if (flags.json !== undefined) writeRows(flags.json, tool.name, rows)
  // what nobody vouches for counts only where nobody was asked
  const counted = rows.filter((row) => trust.size === 0 || row.trust?.startsWith('confirmed'))
  process.exitCode = counted.some(({ result }) => result === 'fail') ? 1 : 0
}

async function openTool(docker: Docker | undefined, work: string): Promise<Tool> {
  const template = path.join(work, 'template')
  const names = await prepareBases(template, docker, work)
  return docker ? new DockerTool(docker, names) : new SlipwayTool(template, path.join(work, 'stores'))
}

await main()
