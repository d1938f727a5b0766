import { quoteGo } from '../../core/index.ts'
import { dockerPage, type StageRule } from '../rule.ts'

/** Two stages of one name: the earlier one can only be found by its number. */
export const duplicateStageName: StageRule = {
  name: 'DuplicateStageName',
  description: 'Stage names should be unique',
  url: dockerPage('duplicate-stage-name'),
  about: 'stage',
  check({ name, from }, names) {
    if (name === undefined || !names.has(name)) return []
    const message = `Duplicate stage name ${quoteGo(name)}, stage names should be unique`
    return [{ message, span: from.node.span }]
  },
}
