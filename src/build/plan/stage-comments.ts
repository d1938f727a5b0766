import { fail, type SourceSpan } from '../../core/index.ts'
import { checkMountFrom, type DockerfileNode, didYouMean, type Token } from '../../dockerfile/index.ts'
import { applyReset, RESETS } from './reset.ts'
import { addHistory, type StageState } from './stage-state.ts'

const PREFIX = /^#*\s*slipway:\s*/
const KEYS = ['mount', 'reset', 'keep']
const MOST_MOUNTS = 100

/**
 * Does what the `# slipway:` comments directly above an instruction say, before the instruction is planned; other
 * builders take them for comments. Above FROM they are about what the stage begins with. Fails with
 * `STAGE_COMMENT_INVALID` for what is not known, `MOUNT_INVALID` for a mount that is none.
 */
export function applyComments(stage: StageState, { comments, keyword }: DockerfileNode): void {
  for (const comment of comments) {
    const prefix = PREFIX.exec(comment.text)
    if (!prefix) continue
    const { key, value } = split(comment, prefix[0].length)
    if (key === 'mount') addDefault(stage, value)
    else if (key === 'reset') reset(stage, value)
    else if (key === 'keep') keep(stage, value, keyword.text)
    else {
      throw invalid(comment.span, `unknown key '${key}' in a slipway comment${didYouMean(key, KEYS)}`)
    }
  }
}

function split({ text, span }: Token, start: number): { key: string; value: Token } {
  const rest = text.slice(start)
  const cut = rest.indexOf('=')
  if (cut < 0) {
    throw invalid(span, `a slipway comment has the form "# slipway: key=value"`)
  }
  return { key: rest.slice(0, cut).trim(), value: { text: rest.slice(cut + 1).trim(), span } }
}

/** Written once, mounted by every RUN from here on, and in stages that build on this one. */
function addDefault(stage: StageState, value: Token): void {
  if (stage.mountDefaults.length >= MOST_MOUNTS) {
    throw invalid(value.span, `more than ${MOST_MOUNTS} mounts for all RUN instructions of a stage`)
  }
  stage.mountDefaults = [...stage.mountDefaults, { ...value, ...checkMountFrom(value) }]
}

function reset(stage: StageState, { text, span }: Token): void {
  for (const part of text.split(',')) {
    const [name = '', ...rest] = part.trim().split(':')
    const what = rest.length === 0 ? undefined : rest.join(':')
    if (!RESETS.includes(name)) throw invalid(span, `cannot reset '${name}'${didYouMean(name, RESETS)}`)
    if (!applyReset(stage, name, what)) throw invalid(span, `reset=${name} has no parts: '${part.trim()}'`)
  }
  addHistory(stage, `# slipway: reset=${text}`)
}

/** ENTRYPOINT takes an inherited CMD away, as it was meant for another program; here it is not. */
function keep(stage: StageState, { text, span }: Token, keyword: string): void {
  if (text !== 'cmd') throw invalid(span, `cannot keep '${text}'${didYouMean(text, ['cmd'])}`)
  if (keyword.toLowerCase() !== 'entrypoint') throw invalid(span, 'keep=cmd belongs above ENTRYPOINT')
  stage.cmdIsOwn = true
}

function invalid(span: SourceSpan, message: string): Error {
  return fail('STAGE_COMMENT_INVALID', message, {
    span,
    hint: `known are: mount=..., reset=${RESETS.join('|')}, keep=cmd`,
  })
}
