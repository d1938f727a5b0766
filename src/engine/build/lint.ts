import {
  defaultArguments,
  globalArguments,
  type PlanListener,
  type PlanOptions,
  type PlanSources,
  planBuild,
  planEveryStage,
  type StageState,
} from '../../build/index.ts'
import { hasCode, type Job, toByteString } from '../../core/index.ts'
import type { Dockerfile } from '../../dockerfile/index.ts'
import { checkOptionsOf, createLinter, type Linter, type LintWarning } from '../../lint/index.ts'
import type { Ignore } from './context/ignore.ts'

/** What a build is planned from, and who else listens. */
export interface PlanRequest {
  options: PlanOptions
  /** The linter takes the place of its listener. */
  sources: Omit<PlanSources, 'listener'>
  ignore: Ignore | undefined
  listener?: PlanListener
}

/** A linter with the options of a Dockerfile. Fails with `CHECK_INVALID`. */
export function linterOf({ directives }: Pick<Dockerfile, 'directives'>, { buildArgs }: PlanOptions): Linter {
  return createLinter(checkOptionsOf(directives, buildArgs['BUILDKIT_DOCKERFILE_CHECK']))
}

/** Plans a build while the linter listens. Fails as planning does, and with `LINT_VIOLATION`. */
export async function planLinted(dockerfile: Dockerfile, linter: Linter, request: PlanRequest): Promise<StageState> {
  const stage = await planBuild(dockerfile, request.options, listenedTo(dockerfile, linter, request))
  linter.refuse()
  return stage
}

/** The same for all stages, for the linter alone. */
export async function lintEveryStage(dockerfile: Dockerfile, linter: Linter, request: PlanRequest): Promise<void> {
  await planEveryStage(dockerfile, request.options, listenedTo(dockerfile, linter, request))
  linter.refuse()
}

/** Judges what the file alone says, and lets the linter hear what planning finds out. */
function listenedTo(dockerfile: Dockerfile, linter: Linter, request: PlanRequest): PlanSources {
  const { options, ignore, listener } = request
  linter.text(dockerfile)
  linter.file(dockerfile, defaultArguments(dockerfile, options))
  linter.from(dockerfile, globalArguments(dockerfile, options))
  const ignores = ignore && !ignore.hasExceptions ? ignoresOf(ignore) : undefined
  return {
    ...request.sources,
    image: (name, platform, span) => findBase(linter, request, { name, platform, span }),
    listener: {
      begun(stage, parent) {
        linter.stage(stage, parent)
        listener?.begun?.(stage, parent)
      },
      reached(stage, instruction, state) {
        linter.step(stage, instruction, {
          escape: state.escape,
          variables: state.env,
          declared: state.args,
          buildArgs: options.buildArgs,
          shell: state.config.Shell ?? [],
          ...(ignores ? { ignores } : {}),
        })
        listener?.reached?.(stage, instruction, state)
      },
    },
  }
}

function ignoresOf({ filter }: Ignore): (path: string) => boolean {
  return (path) => filter.excludes(toByteString(path))
}

type BaseOf = {
  name: string
  platform: Parameters<PlanSources['image']>[1]
  span: Parameters<PlanSources['image']>[2]
}

async function findBase(linter: Linter, { sources }: PlanRequest, { name, platform, span }: BaseOf) {
  try {
    const base = await sources.image(name, platform, span)
    // as in BuildKit, which takes an image without layers for scratch
    if (base.layers.length > 0) linter.base({ name, wanted: platform, found: base.config, span })
    return base
  } catch (error) {
    if (!hasCode(error, 'CANCELED')) linter.dropSteps()
    throw error
  }
}

/** Tells of what was found, as a part of reading the Dockerfile; of two that are equal to the reader, once. */
export function tellWarnings(warnings: readonly LintWarning[], task: string, job: Job): void {
  const unequal = new Map(warnings.map((warning) => [`${warning.span.line} ${warning.message}`, warning]))
  for (const { rule, message, span, description, url } of unequal.values()) {
    const about = { description, ...(url === undefined ? {} : { url }) }
    job.progress({ type: 'warning', task, code: rule, message, span, about })
  }
}
