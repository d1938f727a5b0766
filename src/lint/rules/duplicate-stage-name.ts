import { quoteGo } from '../../core/index.ts'
import { dockerPage, type FileRule } from '../rule.ts'

/** Two stages of one name: the earlier one can only be found by its number. */
export const duplicateStageName: FileRule = {
  name: 'DuplicateStageName',
  description: 'Stage names should be unique',
  url: dockerPage('duplicate-stage-name'),
  about: 'file',
  check({ dockerfile }) {
    const names = new Set<string>()
    return dockerfile.stages.flatMap(({ name, from }) => {
      if (name === undefined || !names.has(name)) {
        if (name !== undefined) names.add(name)
        return []
      }
      const message = `Duplicate stage name ${quoteGo(name)}, stage names should be unique`
      return [{ message, span: from.node.span }]
    })
  },
}
