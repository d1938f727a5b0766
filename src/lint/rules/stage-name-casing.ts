import { dockerPage, type NodeRule } from '../rule.ts'

/** `FROM base AS Builder`. */
export const stageNameCasing: NodeRule = {
  name: 'StageNameCasing',
  description: 'Stage names should be lowercase',
  url: dockerPage('stage-name-casing'),
  about: 'node',
  check({ keyword, args, span }) {
    const name = args[2]?.text
    if (keyword.text.toLowerCase() !== 'from' || args.length !== 3 || name === name!.toLowerCase()) return []
    return [{ message: `Stage name '${name}' should be lowercase`, span }]
  },
}
