/** Plays a `lint`: the warnings of a Dockerfile, by `--call=check` and in a build. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Step, Value } from './document.ts'
import type { Scene } from './scene.ts'
import type { Outcome } from './tool.ts'

interface Warning {
  RuleName: string
  Description: string
  URL: string
  Detail: string
  Line: number
}

interface Report {
  warnings?: {
    ruleName: string
    description: string
    url: string
    detail: string
    location?: { ranges?: { start?: { line?: number } }[] }
  }[]
  buildError?: { message: string; location?: { ranges?: { start?: { line?: number } }[] } }
}

/** What is wrong, if anything. */
export async function playLint(step: Step, scene: Scene): Promise<string | undefined> {
  const folder = scene.newFolder('lint')
  const text = String(step['dockerfile'])
  writeFileSync(path.join(folder, 'Dockerfile'), text)
  if (typeof step['dockerignore'] === 'string') writeFileSync(path.join(folder, '.dockerignore'), step['dockerignore'])
  const flags = attributes(step['attrs'])
  const checked = await scene.tool.command(['build', ...flags, '--call=check,format=json', folder])
  const wrong = checkReport(step, checked)
  const shown = `of ${JSON.stringify(text)}`
  if (wrong !== undefined) return `--check: ${wrong} ${shown}`
  const built = await scene.tool.command(['build', ...flags, '--progress=plain', folder])
  const wrongBuild = checkBuild(step, built)
  return wrongBuild === undefined ? undefined : `build: ${wrongBuild} ${shown}`
}

function attributes(attrs: Value | undefined): string[] {
  return Object.entries((attrs ?? {}) as Record<string, Value>).flatMap(([name, value]) => {
    if (name.startsWith('build-arg:')) return ['--build-arg', `${name.slice(10)}=${String(value)}`]
    return name === 'platform' ? ['--platform', String(value)] : []
  })
}

function checkReport(step: Step, { exitCode, stdout, stderr }: Outcome): string | undefined {
  const wanted = (step['unmarshalWarnings'] ?? step['warnings'] ?? []) as unknown as Warning[]
  // the lines of those are not looked at where they come from, and some are wrong
  const withLines = !step['unmarshalWarnings']
  let report: Report
  try {
    report = JSON.parse(stdout) as Report
  } catch {
    return `no JSON (exit ${exitCode}): ${(stdout + stderr).trim().slice(-400)}`
  }
  const lineOf = (at: { ranges?: { start?: { line?: number } }[] } | undefined) => at?.ranges?.[0]?.start?.line ?? 0
  const found = (report.warnings ?? []).map(({ ruleName, description, url, detail, location }) =>
    [ruleName, withLines ? lineOf(location) : '', detail, description, url].join(' | '),
  )
  const expected = wanted.map(({ RuleName, Description, URL, Detail, Line }) =>
    [RuleName, withLines ? Line : '', Detail, Description, URL].join(' | '),
  )
  const difference = differenceOf(expected, found)
  if (difference !== undefined) return difference
  const { buildErr, buildErrLocation } = step
  if (typeof buildErr !== 'string' || buildErr === '') return undefined
  if (report.buildError?.message !== buildErr)
    return `error ${JSON.stringify(report.buildError?.message)}, not ${JSON.stringify(buildErr)}`
  const line = lineOf(report.buildError.location)
  return buildErrLocation === line ? undefined : `error at line ${line}, not ${String(buildErrLocation)}`
}

/** A build shows a warning as ` - Rule: detail (line 3)`. */
function checkBuild(step: Step, { exitCode, stderr }: Outcome): string | undefined {
  const { buildErr, streamBuildErrRegexp } = step
  const failing = (typeof buildErr === 'string' && buildErr !== '') || typeof streamBuildErrRegexp === 'string'
  if (failing) {
    if (exitCode === 0) return 'it must fail, and did not'
    if (typeof buildErr === 'string' && buildErr !== '' && !stderr.includes(buildErr))
      return `${JSON.stringify(buildErr)} is not in: ${stderr.trim().slice(-400)}`
    return undefined
  }
  if (exitCode !== 0) return `failed with ${exitCode}: ${stderr.trim().slice(-400)}`
  const plain = stderr.replace(/\x1b\[\d*m/g, '')
  const found = plain.split('\n').filter((line) => /^ - \w+: .* \(line \d+\)$/.test(line))
  const wanted = (step['warnings'] ?? []) as unknown as Warning[]
  return differenceOf(
    wanted.map(({ RuleName, Detail, Line }) => ` - ${RuleName}: ${Detail} (line ${Line})`),
    found,
  )
}

/** Warnings count as a set: the order is that of the walk through the stages. */
function differenceOf(expected: readonly string[], found: readonly string[]): string | undefined {
  const missing = expected.filter((line) => !found.includes(line))
  const extra = found.filter((line) => !expected.includes(line))
  const more = missing.length + extra.length === 0 && expected.length !== found.length
  const parts = [
    ...missing.map((line) => `missing <${line}>`),
    ...extra.map((line) => `not expected <${line}>`),
    ...(more ? [`${found.length} warnings, not ${expected.length}`] : []),
  ]
  return parts.length === 0 ? undefined : parts.join('; ')
}
