import { quoteGo } from '../../core/index.ts'
import { dockerPage, type StepFacts, type StepRule } from '../rule.ts'
import { expandedText } from '../words.ts'

/** Words in the names of variables that tell of a secret, and those that tell that it is none. */
const SECRET = /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i
const HARMLESS = /(?:_|^)(?:public|file|version)(?:_|$)/i

/** ARG and ENV whose values everybody can read in the image. */
export const secretsUsedInArgOrEnv: StepRule = {
  name: 'SecretsUsedInArgOrEnv',
  description: 'Sensitive data should not be used in the ARG or ENV commands',
  url: dockerPage('secrets-used-in-arg-or-env'),
  about: 'step',
  check(step) {
    const keyword = step.instruction.kind.toUpperCase()
    return namesIn(step).flatMap((name, word) => {
      if (!SECRET.test(name) || HARMLESS.test(name)) return []
      const message = `Do not use ARG or ENV instructions for sensitive data (${keyword} ${quoteGo(name)})`
      return [{ message, span: step.span, word }]
    })
  },
}

function namesIn(step: StepFacts): string[] {
  const { instruction } = step
  if (instruction.kind === 'arg') return instruction.declarations.map(({ name }) => name.text)
  return instruction.kind === 'env' ? instruction.pairs.map(({ key }) => expandedText(key, step)) : []
}
