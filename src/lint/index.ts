export { createLinter, type Linter, type LintWarning } from './linter.ts'
export { type CheckOptions, checkOptionsOf, parseCheckOptions } from './options.ts'
export type { BaseFacts, RuleHead, Surroundings, Variables } from './rule.ts'
export { RULES } from './rules.ts'
