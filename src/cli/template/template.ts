import { DOCKER_FUNCTIONS } from './docker-functions.ts'
import { executeTemplate } from './execute.ts'
import type { TemplateFunction } from './function.ts'
import { BUILTINS } from './functions.ts'
import { type ParsedTemplate, parseTemplate } from './parse.ts'
import type { ExecuteOptions } from './state.ts'
import type { Value } from './values.ts'

const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map([...BUILTINS, ...DOCKER_FUNCTIONS])
const NAMES: ReadonlySet<string> = new Set([...FUNCTIONS.keys(), 'and', 'or', 'call'])

/** Parses a Go template with Docker's functions. Fails with `TEMPLATE_INVALID`. */
export function compileTemplate(text: string): ParsedTemplate {
  return parseTemplate(text, NAMES)
}

/** Runs a template over a value. `functions` replace those of the same name. Fails with `TEMPLATE_FAILED`. */
export function renderTemplate(
  template: ParsedTemplate,
  data: Value | undefined,
  options: Partial<ExecuteOptions> = {},
): string {
  const functions = options.functions ? new Map([...FUNCTIONS, ...options.functions]) : FUNCTIONS
  return executeTemplate(template, data, { ...options, functions })
}
