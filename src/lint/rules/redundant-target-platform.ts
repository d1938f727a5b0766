import { expand } from '../../dockerfile/index.ts'
import { dockerPage, type FromFacts, type FromRule } from '../rule.ts'

/** `FROM --platform=$TARGETPLATFORM`, which is what happens anyway. */
export const redundantTargetPlatform: FromRule = {
  name: 'RedundantTargetPlatform',
  description: 'Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior',
  url: dockerPage('redundant-target-platform'),
  about: 'from',
  check(facts) {
    const { from } = facts.stage
    const written = from.platform?.text
    if (written === undefined || !isTargetPlatform(written, facts)) return []
    const message = `Setting platform to predefined ${written} in FROM is redundant as this is the default behavior`
    return [{ message, span: from.node.span }]
  },
}

function isTargetPlatform(text: string, facts: FromFacts): boolean {
  try {
    const { text: value, used, unset } = expand(text, facts.globals, facts)
    const isAlone = used.size === 1 && unset.size === 0 && used.has('TARGETPLATFORM')
    return isAlone && value === facts.globals.get('TARGETPLATFORM')
  } catch {
    return false
  }
}
