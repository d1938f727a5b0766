import { dockerPage, type FileRule } from '../rule.ts'

const isLower = (text: string): boolean => text === text.toLowerCase()
const isUpper = (text: string): boolean => text === text.toUpperCase()

/** Keywords that are written in another case than most. ARG before the first FROM does not count. */
export const consistentInstructionCasing: FileRule = {
  name: 'ConsistentInstructionCasing',
  description: 'All commands within the Dockerfile should use the same casing (either upper or lower)',
  url: dockerPage('consistent-instruction-casing'),
  about: 'file',
  check({ dockerfile }) {
    const nodes = dockerfile.stages.flatMap(({ from, instructions }) => [from.node, ...instructions.map((i) => i.node)])
    const lower = nodes.filter(({ keyword }) => isLower(keyword.text)).length
    const upper = nodes.filter(({ keyword }) => isUpper(keyword.text)).length
    const wantsLower = lower > upper
    return nodes
      .filter(({ keyword }) => !(wantsLower ? isLower : isUpper)(keyword.text))
      .map(({ keyword, span }) => {
        const majority = wantsLower ? 'lowercase' : 'uppercase'
        return {
          message: `Command '${keyword.text}' should match the case of the command majority (${majority})`,
          span,
        }
      })
  },
}
