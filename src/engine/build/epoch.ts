import {
  type BuildSession,
  download,
  globalArguments,
  openGitSource,
  type PlanOptions,
  type PlanSources,
  parseGitUrl,
  planBuild,
} from '../../build/index.ts'
import { fail, type Job } from '../../core/index.ts'
import type { Dockerfile, Stage } from '../../dockerfile/index.ts'
import type { BuildContexts } from './context/contexts.ts'
import { gitTime } from './context/remote.ts'

/** What SOURCE_DATE_EPOCH may speak of. */
export interface EpochSources {
  session: BuildSession
  dockerfile: Dockerfile
  options: PlanOptions
  sources: PlanSources
  contexts: BuildContexts
}

const NAME = 'SOURCE_DATE_EPOCH'

/** When a build is said to be done. */
export interface Epoch {
  /** Seconds since 1970; missing when nobody says. */
  epoch?: number
  /** The build arguments, in which instructions see a number for what was a word. */
  buildArgs: PlanOptions['buildArgs']
}

/**
 * The time that SOURCE_DATE_EPOCH stands for: a number, or where a time is to be taken from (BuildKit's
 * dockerfile2llb, `epoch.go`): `context`, a named context, or a stage that is one remote ADD to scratch. It comes from the
 * build arguments or from an ARG before the first FROM. A folder has no time: then there is no epoch. Fails with
 * `EPOCH_INVALID`.
 */
export async function resolveEpoch(about: EpochSources, job: Job): Promise<Epoch> {
  const { dockerfile, options } = about
  const { buildArgs } = options
  const text = buildArgs[NAME] ?? globalArguments(dockerfile, options).get(NAME)
  if (text === undefined || text === '') return { buildArgs }
  if (/^\d{1,12}$/.test(text)) return { epoch: Number(text), buildArgs }
  const epoch = await timeOf(about, text, job)
  if (epoch !== undefined) return { epoch, buildArgs: { ...buildArgs, [NAME]: String(epoch) } }
  const { [NAME]: _, ...rest } = buildArgs
  return { buildArgs: rest }
}

async function timeOf(about: EpochSources, text: string, job: Job): Promise<number | undefined> {
  const { dockerfile, options } = about
  const task = `epoch ${text}`
  const stage = dockerfile.stages.findLast((each) => each.name === text.toLowerCase())
  if (stage) return stageTime(about, stage, job)
  const context = await about.contexts.find(text, options.platform, task, job)
  if (context) return context.time?.()
  throw invalid(text, 'It is a number of seconds since 1970, "context", or the name of a build context or of a stage.')
}

/** The time of what the only ADD of a stage fetches. */
async function stageTime(about: EpochSources, stage: Stage, job: Job): Promise<number | undefined> {
  const { session, dockerfile, options, sources } = about
  const [only, ...more] = stage.instructions.filter(({ kind }) => kind !== 'arg')
  const isPlain = stage.from.base.text === 'scratch' && only?.kind === 'add' && more.length === 0
  const { vertex } = isPlain
    ? await planBuild(dockerfile, { ...options, target: String(stage.index) }, sources)
    : { vertex: undefined }
  const remote = vertex?.inputs.flatMap(({ op }) => (op.kind === 'http' || op.kind === 'git' ? [op] : []))
  if (remote?.length !== 1 || only?.kind !== 'add' || only.sources.length !== 1) {
    throw fail('EPOCH_INVALID', `invalid ${NAME} ${stage.name}: ${NAME} stage does not meet source-only requirements`, {
      hint: 'A stage that gives the time is FROM scratch, and one ADD of a single URL.',
    })
  }
  const { url, kind } = remote[0]!
  const task = `epoch ${stage.name}`
  if (kind === 'git') return gitTime((await openGitSource(session, parseGitUrl(url)!, { task }, job)).files)
  const { time } = await download(session, url, task, job)
  return time === 0 ? undefined : time
}

function invalid(text: string, hint: string): Error {
  return fail('EPOCH_INVALID', `invalid ${NAME}: ${text}`, { hint })
}
