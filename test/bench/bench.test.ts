import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { measure } from './measure.ts'
import { compareWithBest, type Report, renderMarkdown, type ToolResult } from './report.ts'
import { median, ratioOf } from './statistics.ts'

const root = path.resolve(import.meta.dirname, '../..')

// each measurement waits for the disk first, which may be busy with others
test('the bench runs through, and reports what was asked of it', { timeout: 300_000 }, () => {
  using folder = temporaryFolder()
  const [json, markdown] = [path.join(folder.path, 'report.json'), path.join(folder.path, 'report.md')]
  const args = ['--tools', 'slipway', '--scale', '0.0005', '--rounds', '1', '--folder', path.join(folder.path, 'work')]
  const only = ['--only', 'copy-many,change-one,version,memory-load-many,grow-files-100000']
  const slipway = ['--slipway', `${process.execPath} ${root}/src/cli/bin.ts`]
  const all = [...args, ...only, ...slipway, '--json', json, '--markdown', markdown]
  execFileSync(process.execPath, [path.join(import.meta.dirname, 'run.ts'), ...all], { stdio: 'pipe' })

  const report = JSON.parse(readFileSync(json, 'utf8')) as Report
  expect(report.leftOut).toEqual([])
  expect(report.workloads.map(({ id, results }) => [id, results.length])).toEqual([
    ['copy-many', 2],
    ['change-one', 1],
    ['version', 1],
    ['memory-load-many', 1],
    ['grow-files-100000', 1],
  ])
  for (const { results } of report.workloads) for (const { costs } of results) expect(costs).toHaveLength(1)
  const memory = report.workloads.find(({ id }) => id === 'memory-load-many')?.results[0]?.costs[0]?.memory
  expect(memory).toBeGreaterThan(1 << 20)
  expect(readFileSync(markdown, 'utf8')).toMatch(/^\| rebuild, one of 20,000 files changed \| [\d.]+ \/ [\d.]+ \|/m)
  // stores are gone, inputs stay for the next time
  expect(readdirSync(path.join(folder.path, 'work'))).toEqual(['inputs-0.0005'])
})

test('a tool that is missing is left out with a word', () => {
  using folder = temporaryFolder()
  const json = path.join(folder.path, 'report.json')
  const args = ['--tools', 'podman', '--only', 'version', '--scale', '0.0005', '--folder', folder.path, '--json', json]
  const env = { ...process.env, PATH: '/nonexistent' }
  execFileSync(process.execPath, [path.join(import.meta.dirname, 'run.ts'), ...args], { stdio: 'pipe', env })
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report
  expect(report.leftOut).toEqual([{ what: 'podman', why: expect.stringContaining('ENOENT') }])
})

test('CPU time counts what a command leaves behind', async () => {
  const spin = 'i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done'
  const direct = await measure({ argv: ['sh', '-c', spin] }, { daemons: [] })
  const orphaned = await measure({ argv: ['sh', '-c', `(${spin}) & exit 0`] }, { daemons: [] })
  expect(direct.cpu).toBeGreaterThan(0)
  expect(orphaned.cpu).toBeGreaterThan(direct.cpu / 4)
})

test('a command that fails says what it said', async () => {
  const failing = measure({ argv: ['sh', '-c', 'echo no such luck; exit 3'] }, { daemons: [] })
  await expect(failing).rejects.toThrow(/ended with 3:\nno such luck/)
})

test('medians, and ratios with their spread', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  expect(ratioOf([1, 2, 3], [2, 2, 2])).toEqual({ value: 1, least: 0.5, greatest: 1.5 })
})

test('the best competitor is the fastest, and plain programs are none', () => {
  const result = (tool: string, role: ToolResult['role'], wall: number): ToolResult => ({
    tool,
    role,
    costs: [{ wall, cpu: 2 * wall, memory: 0 }],
  })
  const results = [result('a', 'ours', 1), result('b', 'peer', 4), result('c', 'peer', 2), result('d', 'floor', 0.1)]
  const workload = { id: 'x', title: 'x', watchMemory: false, results }
  expect(compareWithBest(workload)).toMatchObject({ peer: 'c', wall: { value: 0.5 }, cpu: { value: 0.5 } })
  expect(compareWithBest({ ...workload, results: results.slice(0, 1) })).toBeUndefined()
  const machine = { date: '', cpu: '', cores: 2, memoryBytes: 0, kernel: '', fileSystem: '', load: 0, commit: '' }
  const text = renderMarkdown({ machine, rounds: 1, leftOut: [], workloads: [workload] })
  expect(text).toContain('| x | 1.000 / 2.000 | 4.000 / 8.000 | 2.000 / 4.000 | 0.100 / 0.200 (d) | **0.50**')
})

function temporaryFolder(): { path: string } & Disposable {
  const made = mkdtempSync(path.join(tmpdir(), 'slipway-bench-test-'))
  return { path: made, [Symbol.dispose]: () => rmSync(made, { recursive: true, force: true }) }
}
