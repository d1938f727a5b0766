import { quoteGo } from '../../core/index.ts'
import { dockerPage, type StageRule } from '../rule.ts'

const RESERVED = ['context', 'scratch']

/** `FROM base AS scratch`. */
export const reservedStageName: StageRule = {
  name: 'ReservedStageName',
  description: 'Reserved words should not be used as stage names',
  url: dockerPage('reserved-stage-name'),
  about: 'stage',
  check({ name, from }) {
    if (name === undefined || !RESERVED.includes(name)) return []
    const message = `Stage name should not use the same name as reserved stage ${quoteGo(name)}`
    return [{ message, span: from.node.span }]
  },
}
