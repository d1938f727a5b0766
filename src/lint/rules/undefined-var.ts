import { type ArgInstruction, didYouMean } from '../../dockerfile/index.ts'
import { dockerPage, type Finding, type StepFacts, type StepRule } from '../rule.ts'
import { unsetByWord, unsetIn } from '../words.ts'

/** Arguments that never become variables. */
const SWITCHES = ['BUILDKIT_SBOM_SCAN_CONTEXT', 'BUILDKIT_SBOM_SCAN_STAGE']

/** `$NAME` that neither ARG, nor ENV, nor the base image sets. */
export const undefinedVar: StepRule = {
  name: 'UndefinedVar',
  description: 'Variables should be defined before their use',
  url: dockerPage('undefined-var'),
  about: 'step',
  check(step) {
    if (step.instruction.kind === 'arg') return checkArg(step, step.instruction)
    const missing = unsetByWord(step).flatMap((unset) => unset.filter((name) => !step.declared.has(name)))
    return missing.flatMap((name) => finding(name, [...step.variables.keys()], step, -1))
  },
}

function finding(name: string, known: readonly string[], { span }: StepFacts, word: number): Finding[] {
  if (SWITCHES.includes(name)) return []
  const suggestion = didYouMean(
    `$${name}`,
    known.map((other) => `$${other}`),
  )
  return [{ message: `Usage of undefined variable '$${name}'${suggestion}`, span, word }]
}

/** Each default may use the arguments before it in the same line. One that the user overrides is not looked at. */
function checkArg(step: StepFacts, { declarations }: ArgInstruction): Finding[] {
  const before = new Set<string>()
  return declarations.flatMap(({ name, value }, word) => {
    const isUsed = value !== undefined && !(name.text in step.buildArgs)
    const unset = isUsed ? unsetIn(value.text, step.variables, step) : []
    const missing = unset.filter((each) => !before.has(each) && !step.declared.has(each))
    const known = [...step.variables.keys(), ...before]
    before.add(name.text)
    return missing.flatMap((each) => finding(each, known, step, word))
  })
}
