import { quoteGo } from '../../core/index.ts'
import { dockerPage, type StepRule } from '../rule.ts'
import { expandedText } from '../words.ts'

/** A relative WORKDIR that is the first one: where it leads is up to the base image. */
export const workdirRelativePath: StepRule = {
  name: 'WorkdirRelativePath',
  description:
    'Relative workdir without an absolute workdir declared within the build can have unexpected results if the base image changes',
  url: dockerPage('workdir-relative-path'),
  about: 'step',
  check(step) {
    const { instruction, span, before, inherited } = step
    if (instruction.kind !== 'workdir') return []
    const path = expandedText(instruction.path, step)
    if (inherited.has('workdir') || before.has('workdir') || path.startsWith('/')) return []
    const message = `Relative workdir ${quoteGo(path)} can have unexpected results if the base image changes`
    return [{ message, span }]
  },
}
