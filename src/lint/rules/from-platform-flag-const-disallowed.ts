import { quoteGo } from '../../core/index.ts'
import { expand } from '../../dockerfile/index.ts'
import { type Platform, parsePlatform } from '../../oci/index.ts'
import { dockerPage, type FromFacts, type FromRule } from '../rule.ts'

/** `FROM --platform=linux/amd64`: the image cannot be built for another one. A stage that is named after it means it. */
export const fromPlatformFlagConstDisallowed: FromRule = {
  name: 'FromPlatformFlagConstDisallowed',
  description: 'FROM --platform flag should not use a constant value',
  url: dockerPage('from-platform-flag-const-disallowed'),
  about: 'from',
  check(facts) {
    const { from, name = '' } = facts.stage
    const value = from.platform && constantOf(from.platform.text, facts)
    const platform = value === undefined ? undefined : platformOf(value)
    if (!platform || name.includes(platform.os) || name.includes(platform.architecture)) return []
    const message = `FROM --platform flag should not use constant value ${quoteGo(value!)}`
    return [{ message, span: from.node.span }]
  },
}

/** The text without quotes and escapes, unless it holds variables. */
function constantOf(text: string, facts: FromFacts): string | undefined {
  try {
    const { text: value, used, unset } = expand(text, facts.globals, facts)
    return used.size === 0 && unset.size === 0 ? value : undefined
  } catch {
    return undefined
  }
}

function platformOf(text: string): Platform | undefined {
  try {
    return parsePlatform(text)
  } catch {
    return undefined
  }
}
