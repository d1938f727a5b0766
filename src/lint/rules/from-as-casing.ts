import { dockerPage, type NodeRule } from '../rule.ts'

/** `FROM base as builder`. A keyword of mixed case is the business of another rule. */
export const fromAsCasing: NodeRule = {
  name: 'FromAsCasing',
  description: "The 'as' keyword should match the case of the 'from' keyword",
  url: dockerPage('from-as-casing'),
  about: 'node',
  check({ keyword: { text: from }, args, span }) {
    const as = args[1]?.text
    if (from.toLowerCase() !== 'from' || as === undefined || args.length < 3) return []
    const isLower = from === from.toLowerCase()
    if (!isLower && from !== from.toUpperCase()) return []
    if (as === (isLower ? as.toLowerCase() : as.toUpperCase())) return []
    return [{ message: `'${as}' and '${from}' keywords' casing do not match`, span }]
  },
}
