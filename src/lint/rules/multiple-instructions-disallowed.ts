import { dockerPage, type StepRule } from '../rule.ts'

/** A second CMD, ENTRYPOINT or HEALTHCHECK. The one before it is shown: it has no effect. */
export const multipleInstructionsDisallowed: StepRule = {
  name: 'MultipleInstructionsDisallowed',
  description: 'Multiple instructions of the same type should not be used in the same stage',
  url: dockerPage('multiple-instructions-disallowed'),
  about: 'step',
  check({ instruction, before }) {
    const { kind, node } = instruction
    if (kind !== 'cmd' && kind !== 'entrypoint' && kind !== 'healthcheck') return []
    const useless = before.get(kind)
    if (!useless) return []
    const reason = 'should not be used in the same stage because only the last one will be used'
    return [{ message: `Multiple ${node.keyword.text} instructions ${reason}`, span: useless.span }]
  },
}
