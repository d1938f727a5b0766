import { BuildSession, type PlanOptions } from '../../build/index.ts'
import { type Job, SlipwayError, type SourceFile, type SourceSpan } from '../../core/index.ts'
import { type Dockerfile, parse, parseDockerfile, type SyntaxTree } from '../../dockerfile/index.ts'
import type { Linter, LintWarning } from '../../lint/index.ts'
import type { Store } from '../../store/index.ts'
import { type Definition, loadDefinition } from './definition.ts'
import { lintEveryStage, linterOf, planLinted } from './lint.ts'
import { planOptions, targetPlatforms } from './plan-options.ts'
import { planSources } from './plan-sources.ts'
import type { BuildRequest } from './request.ts'

/** What a check found. */
export interface CheckReport {
  readonly warnings: readonly LintWarning[]
  /** Why a build would fail before its first step. */
  readonly error?: CheckError
  readonly source: SourceFile
}

/** An error about the Dockerfile; its place is that of the whole instruction. */
export interface CheckError {
  readonly message: string
  readonly hint?: string
  readonly span?: SourceSpan
}

/** Judges a Dockerfile. Fails when there is none, or when the request makes no sense. */
export async function check(store: Store, request: BuildRequest, job: Job): Promise<CheckReport> {
  using lease = store.lease()
  await using session = new BuildSession(store, lease)
  const definition = await loadDefinition(session, request, job)
  const { source } = definition
  const tree = tryParse(source)
  const options = optionsOf(request)
  if (options.buildArgs['BUILDKIT_DOCKERFILE_CHECK'] !== undefined) linterOf({ directives: [] }, options)
  let linter: Linter | undefined
  try {
    linter = linterOf(tree ?? { directives: [] }, options)
    await lint(session, { definition, request, linter, tree }, job)
    return { warnings: linter.warnings(), source }
  } catch (error) {
    if (!(error instanceof SlipwayError) || error.fault === 'canceled' || error.fault === 'internal') throw error
    return { warnings: linter?.warnings() ?? [], error: describe(error, tree), source }
  }
}

interface CheckWork {
  definition: Definition
  request: BuildRequest
  linter: Linter
  tree: SyntaxTree | undefined
}

const optionsOf = (request: BuildRequest): PlanOptions => planOptions(request, targetPlatforms(request)[0]!)

async function lint(session: BuildSession, { definition, request, linter, tree }: CheckWork, job: Job): Promise<void> {
  const dockerfile = understood(definition.source, linter, tree)
  const options = optionsOf(request)
  // what is only looked at is no reason to bring images
  const sources = planSources(session, { pull: 'never', ...request }, definition, job)
  const plan = { options, sources, ignore: definition.ignore }
  if (options.target) await planLinted(dockerfile, linter, plan)
  else await lintEveryStage(dockerfile, linter, plan)
}

/** Of a file that makes no sense, what comes before the mistake is judged all the same. */
function understood(source: SourceFile, linter: Linter, tree: SyntaxTree | undefined): Dockerfile {
  try {
    return parseDockerfile(source)
  } catch (error) {
    if (tree) linter.text(tree)
    throw error
  }
}

function tryParse(source: SourceFile): SyntaxTree | undefined {
  try {
    return parse(source)
  } catch {
    return undefined // it is parsed again where its error counts
  }
}

function describe({ message, hint, span }: SlipwayError, tree: SyntaxTree | undefined): CheckError {
  const node = span && tree?.nodes.find((node) => node.span.line <= span.line && node.span.endLine >= span.endLine)
  const shown = node?.span ?? span
  return { message, ...(hint === undefined ? {} : { hint }), ...(shown ? { span: shown } : {}) }
}
