import { dockerPage, type TextRule } from '../rule.ts'

/** An empty line inside of an instruction. */
export const noEmptyContinuation: TextRule = {
  name: 'NoEmptyContinuation',
  description: 'Empty continuation lines will become errors in a future release',
  url: dockerPage('no-empty-continuation'),
  about: 'text',
  check: ({ warnings }) => warnings.map(({ span }) => ({ message: 'Empty continuation line', span })),
}
