import { dockerPage, type StepRule } from '../rule.ts'

/** `ENV key value`. */
export const legacyKeyValueFormat: StepRule = {
  name: 'LegacyKeyValueFormat',
  description: 'Legacy key/value format with whitespace separator should not be used',
  url: dockerPage('legacy-key-value-format'),
  about: 'step',
  check({ instruction, span }) {
    if (instruction.kind !== 'env' && instruction.kind !== 'label') return []
    const name = instruction.node.keyword.text
    const message = `"${name} key=value" should be used instead of legacy "${name} key value" format`
    return instruction.pairs.some(({ legacy }) => legacy) ? [{ message, span }] : []
  },
}
