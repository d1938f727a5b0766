import { quoteGo } from '../../core/index.ts'
import { dockerPage, type StepRule } from '../rule.ts'
import { expandedText } from '../words.ts'

/** COPY of a file that `.dockerignore` keeps away: it will not be found. */
export const copyIgnoredFile: StepRule = {
  name: 'CopyIgnoredFile',
  description: 'Attempting to Copy file that is excluded by .dockerignore',
  url: dockerPage('copy-ignored-file'),
  about: 'step',
  check(step) {
    const { instruction, ignores, span } = step
    if (!ignores || (instruction.kind !== 'copy' && instruction.kind !== 'add')) return []
    if (instruction.kind === 'copy' && instruction.from) return []
    const verb = instruction.kind === 'copy' ? 'Copy' : 'Add'
    const paths = instruction.sources.map((source) => expandedText(source, step)).filter((path) => !isRemote(path))
    return paths.filter(ignores).map((path) => {
      const message = `Attempting to ${verb} file ${quoteGo(path)} that is excluded by .dockerignore`
      return { message, span }
    })
  },
}

const isRemote = (source: string): boolean => /^(?:https?|git|ssh):\/\/|^git@/i.test(source)
