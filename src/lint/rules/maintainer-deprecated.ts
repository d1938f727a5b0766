import { dockerPage, type NodeRule } from '../rule.ts'

/** MAINTAINER, in place of a label. */
export const maintainerDeprecated: NodeRule = {
  name: 'MaintainerDeprecated',
  description: 'The MAINTAINER instruction is deprecated, use a label instead to define an image author',
  url: dockerPage('maintainer-deprecated'),
  about: 'node',
  check({ keyword, span }) {
    if (keyword.text.toLowerCase() !== 'maintainer') return []
    return [{ message: 'Maintainer instruction is deprecated in favor of using label', span }]
  },
}
