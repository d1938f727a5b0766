import { dockerPage, type StepRule } from '../rule.ts'

/** `CMD program` runs a shell, which keeps signals to itself. Whoever sets SHELL knows. */
export const jsonArgsRecommended: StepRule = {
  name: 'JSONArgsRecommended',
  description: 'JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals',
  url: dockerPage('json-args-recommended'),
  about: 'step',
  check({ instruction, shell, span }) {
    if (instruction.kind !== 'cmd' && instruction.kind !== 'entrypoint') return []
    if (instruction.command.form === 'exec' || shell.length > 0) return []
    const name = instruction.node.keyword.text
    const message = `JSON arguments recommended for ${name} to prevent unintended behavior related to OS signals`
    return [{ message, span }]
  },
}
