import { dockerPage, type StepRule } from '../rule.ts'
import { exposedPorts } from '../words.ts'

/** `EXPOSE 127.0.0.1:80:80`: what is published where is for `run` to say. */
export const exposeInvalidFormat: StepRule = {
  name: 'ExposeInvalidFormat',
  description:
    'IP address and host-port mapping should not be used in EXPOSE instruction. This will become an error in a future release',
  url: dockerPage('expose-invalid-format'),
  about: 'step',
  check: (step) =>
    exposedPorts(step).flatMap(({ text, address, hostPorts }, word) => {
      if (address === '' && hostPorts === '') return []
      const reason = 'should not define an IP address or host-port mapping'
      return [{ message: `EXPOSE instruction ${reason}, found '${text}'`, span: step.span, word }]
    }),
}
