import { rmSync, writeFileSync } from 'node:fs'
import { bytesOf, fail, messageOf } from '../../core/index.ts'
import type { BuildReport, BuildRequest, PastBuild } from '../../engine/index.ts'
import { saveFile } from '../../transfer/index.ts'
import type { CommandContext } from '../command.ts'
import { recordObject, reportTable } from '../render/build-report.ts'
import { checkExpected, explain } from './explain.ts'
import type { BuildFlags } from './flags.ts'
import { metadataOf } from './metadata.ts'
import { renderVerification } from './verification.ts'

/** A script that reads the id of a build that failed must find none. */
export function removeStale(iidfile: string | undefined): void {
  if (iidfile) rmSync(iidfile, { force: true })
}

/** Prints and writes what the flags want to know of a build that has succeeded. Answers with the exit code. */
export async function tellResult(
  context: CommandContext & { flags: BuildFlags },
  request: BuildRequest,
  report: BuildReport,
): Promise<number> {
  const { flags, io } = context
  const writesToStdout = request.outputs?.some((output) => 'dest' in output && typeof output.dest !== 'string')
  if (flags.quiet && !writesToStdout) await io.stdout.write(report.image ? `${report.id}\n` : '\n')
  if (flags.report) await io.stdout.write(reportOf(report.record, flags.report))
  if (flags.iidfile && report.image) writeId(flags.iidfile, report.id)
  if (flags['metadata-file']) {
    await saveFile(flags['metadata-file'], bytesOf(Buffer.from(metadataOf(report, context.env))), 0o644)
  }
  await explain(context, report.explanation)
  if (report.verification) await io.stderr.write(renderVerification(report.verification))
  const code = await checkExpected(context, report.explanation)
  return report.verification?.reproducible === false ? 1 : code
}

/** What each step took, as a table or as JSON. */
export function reportOf(record: PastBuild, format: string): string {
  if (format === 'table') return reportTable(record)
  return `${JSON.stringify(recordObject(record, Date.now()), null, 2)}\n`
}

function writeId(iidfile: string, id: string): void {
  try {
    writeFileSync(iidfile, id)
  } catch (error) {
    const problem = messageOf(error).replace(/^\w+: (.*), open .*$/, '$1')
    throw fail('USAGE_INVALID', `writing image ID file: open ${iidfile}: ${problem}`, { cause: error })
  }
}
