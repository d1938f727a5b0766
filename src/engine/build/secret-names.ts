import type { ProgressEvent } from '../../core/index.ts'
import type { Stage, StageInstruction } from '../../dockerfile/index.ts'

/** Names of variables that sound like secrets, and a word that says they are none: BuildKit's (dockerfile2llb/validations.go). */
const SECRET = /(?:_|^)(?:apikey|auth|credential|credentials|key|password|pword|passwd|secret|token)(?:_|$)/i
const ALLOWED = /(?:_|^)public(?:_|$)/i

/** A warning, in BuildKit's words, for each ARG and ENV of a stage that may put a secret into the image's history. */
export function secretNameWarnings({ instructions }: Stage): Extract<ProgressEvent, { type: 'warning' }>[] {
  return instructions.flatMap((instruction) => {
    const names = namesIn(instruction).filter((name) => SECRET.test(name) && !ALLOWED.test(name))
    const keyword = instruction.kind.toUpperCase()
    return names.map((name) => ({
      type: 'warning' as const,
      code: 'SecretsUsedInArgOrEnv',
      message: `Do not use ARG or ENV instructions for sensitive data (${keyword} ${JSON.stringify(name)})`,
      span: instruction.node.span,
    }))
  })
}

function namesIn(instruction: StageInstruction): string[] {
  if (instruction.kind === 'arg') return instruction.declarations.map(({ name }) => name.text)
  return instruction.kind === 'env' ? instruction.pairs.map(({ key }) => key.text) : []
}
