import { fail, notGoBool, parseGoBool } from '../../core/index.ts'
import type { BuildRequest, Engine, Job } from '../../engine/index.ts'
import type { Answer } from '../render/call/answer.ts'
import { renderCheck } from '../render/call/check.ts'
import { renderDescription } from '../render/call/describe.ts'
import { renderOutline } from '../render/call/outline.ts'
import { renderTargets } from '../render/call/targets.ts'
import type { BuildFlags } from './flags.ts'

/** What `--call` asks for in place of a build. */
export interface Call {
  method: string
  format: 'text' | 'json'
  /** The exit code is 0 whatever is found. */
  ignoresStatus: boolean
}

/**
 * Reads `--call`, `--print` and `--check`, of which the last one given counts; `undefined` means to build.
 * Fails with `USAGE_INVALID` and buildx's words.
 */
export function callOf(
  flags: Pick<BuildFlags, 'call' | 'print' | 'check'>,
  given: ReadonlySet<string>,
): Call | undefined {
  const last = [...given].findLast((name) => name === 'call' || name === 'print' || name === 'check')
  if (last === undefined || (last === 'check' && !flags.check)) return undefined
  const call = parseCall(last === 'check' ? 'check' : (flags[last as 'call' | 'print'] ?? ''))
  return call.method === '' || call.method === 'build' ? undefined : call
}

function parseCall(text: string): Call {
  const call: Call = { method: '', format: 'text', ignoresStatus: false }
  for (const field of text.split(',')) {
    const cut = field.indexOf('=')
    const [key, value] = cut < 0 ? [field, ''] : [field.slice(0, cut), field.slice(cut + 1)]
    if (cut < 0 && call.method === '') call.method = field
    else if (cut < 0) throw fail('USAGE_INVALID', `invalid print value: ${text}`)
    else if (key === 'format') call.format = value === 'json' ? 'json' : 'text'
    else if (key === 'ignorestatus') call.ignoresStatus = truthOf(value)
    else throw fail('USAGE_INVALID', `invalid print field: ${field}`)
  }
  return call
}

function truthOf(text: string): boolean {
  const truth = parseGoBool(text)
  if (truth !== undefined) return truth
  throw fail('USAGE_INVALID', `invalid ignorestatus print value: ${text}: ${notGoBool(text)}`)
}

/** Asks the engine and renders what it says. Fails with `CALL_UNKNOWN` for a method that there is none of. */
export async function answerCall(engine: Engine, request: BuildRequest, call: Call, job: Job): Promise<Answer> {
  const { method, format } = call
  switch (method) {
    case 'check':
    case 'lint':
      return renderCheck(await engine.check(request, job), { format, file: shownFile(request) })
    case 'outline':
      return renderOutline(await engine.outline(request, job), format)
    case 'targets':
      return renderTargets(await engine.targets(request, job), format)
    case 'subrequests.describe':
      return renderDescription(format)
    default: {
      const name = `unsupported request frontend.${method}`
      throw fail('CALL_UNKNOWN', `${name}: ${name}`, { hint: 'There are build, check, outline, targets.' })
    }
  }
}

/** The Dockerfile as the user would open it. */
function shownFile({ context, dockerfile }: BuildRequest): string {
  if (typeof context !== 'string') return 'Dockerfile'
  if (typeof dockerfile === 'object') return 'stdin'
  if (dockerfile !== undefined) return dockerfile
  const folder = context.replace(/^(\.\/+)+|\/+$/g, '')
  return folder === '' || folder === '.' ? 'Dockerfile' : `${folder}/Dockerfile`
}
