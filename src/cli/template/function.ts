import { type GoType, STRING, sliceOf, type Value } from './values.ts'

/** What a function takes: any value as it is, or only one of a Go type. */
export type Parameter = 'any' | 'string' | 'int' | '[]string'

/** A function that templates can call. `rest` is the type of further arguments. */
export interface TemplateFunction {
  parameters: readonly Parameter[]
  rest?: Parameter
  /** May throw a `FunctionError`, whose message the template reports as `error calling NAME: ...`. */
  call(args: readonly (Value | undefined)[]): Value | undefined
}

/** Why a function could not do its work on these arguments. */
export class FunctionError extends Error {}

/** A string as a template value. */
export function textValue(text: string): Value {
  return { type: STRING, data: text }
}

const STRINGS: GoType = sliceOf(STRING)

/** A `[]string` as a template value. */
export function textsValue(texts: readonly string[]): Value {
  return { type: STRINGS, data: texts }
}
