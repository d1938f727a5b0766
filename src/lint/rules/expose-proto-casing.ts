import { dockerPage, type StepRule } from '../rule.ts'
import { exposedPorts } from '../words.ts'

/** `EXPOSE 80/TCP`. */
export const exposeProtoCasing: StepRule = {
  name: 'ExposeProtoCasing',
  description: 'Protocol in EXPOSE instruction should be lowercase',
  url: dockerPage('expose-proto-casing'),
  about: 'step',
  check: (step) =>
    exposedPorts(step).flatMap(({ text, protocol }, word) => {
      if (protocol === protocol.toLowerCase()) return []
      return [
        { message: `Defined protocol '${text}' in EXPOSE instruction should be lowercase`, span: step.span, word },
      ]
    }),
}
