import { didYouMean } from '../../dockerfile/index.ts'
import { dockerPage, type FromRule } from '../rule.ts'
import { unsetIn } from '../words.ts'

/** `FROM alpine:$VERSION` without `ARG VERSION` before it. */
export const undefinedArgInFrom: FromRule = {
  name: 'UndefinedArgInFrom',
  description: 'FROM command must use declared ARGs',
  url: dockerPage('undefined-arg-in-from'),
  about: 'from',
  check(facts) {
    const { from } = facts.stage
    const { globals, declared } = facts
    const known = [...new Set([...declared, ...globals.keys()])]
    const unset = [from.base, ...(from.platform ? [from.platform] : [])].flatMap(({ text }) =>
      unsetIn(text, globals, facts).filter((name) => !declared.has(name)),
    )
    return unset.map((name) => {
      const message = `FROM argument '${name}' is not declared${didYouMean(name, known)}`
      return { message, span: from.node.span }
    })
  },
}
