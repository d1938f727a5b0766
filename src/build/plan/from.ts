import { fail, hasCode } from '../../core/index.ts'
import { didYouMean, expand, type Stage, type Token } from '../../dockerfile/index.ts'
import { type Platform, parsePlatform } from '../../oci/index.ts'
import type { PlanContext } from './context.ts'
import { at } from './stage-state.ts'

/** What FROM says once its variables are replaced. As in BuildKit it must make sense even in a stage that is not needed. */
export function fromOf(context: PlanContext, { from }: Stage): { base: string; platform: Platform | undefined } {
  const base = expandGlobal(context, from.base)
  if (base === '') {
    throw fail('DOCKERFILE_INVALID', `base name (${from.base.text}) should not be blank`, { span: from.base.span })
  }
  return { base, platform: from.platform && platformOf(context, from.platform) }
}

/** What a stage is for: what its FROM says, or what the build is for. */
export function stagePlatform(context: PlanContext, { from }: Stage): Platform {
  return from.platform ? platformOf(context, from.platform) : context.options.platform
}

function expandGlobal(context: PlanContext, token: Token): string {
  return at(token.span, () => expand(token.text, context.globalArgs, { escape: context.dockerfile.escape }).text)
}

function platformOf(context: PlanContext, token: Token): Platform {
  const text = expandGlobal(context, token)
  if (text === '') {
    throw fail('DOCKERFILE_INVALID', `empty platform value from expression ${token.text}${meant(context, token)}`, {
      span: token.span,
      hint: 'Declare the argument before the first FROM, or give it a value with --build-arg.',
    })
  }
  try {
    return parsePlatform(text, context.options.buildPlatform)
  } catch (cause) {
    if (!hasCode(cause, 'PLATFORM_INVALID')) throw cause
    const { message, hint = '' } = cause
    const text = `failed to parse platform ${token.text}: ${message}${meant(context, token)}`
    throw fail('PLATFORM_INVALID', text, { span: token.span, hint, cause })
  }
}

/** The argument that may have been meant by the first one that is not set. */
function meant({ globalArgs, dockerfile }: PlanContext, token: Token): string {
  const { unset } = expand(token.text, globalArgs, dockerfile)
  const suggestions = [...unset].map((name) => didYouMean(name, [...globalArgs.keys()]))
  return suggestions.find((suggestion) => suggestion !== '') ?? ''
}
