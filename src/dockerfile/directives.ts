import { fail } from '../core/index.ts'
import type { Token } from './logical-line.ts'

/** What `# name=value` lines at the top of a Dockerfile may set. */
export type DirectiveName = 'syntax' | 'escape' | 'check'

/** A parser directive; its token is the value. */
export interface Directive extends Token {
  readonly name: DirectiveName
}

/** A line that has the form of a directive: the name in lower case, the value and where it begins. */
interface Match {
  name: string
  value: string
  valueAt: number
}

/**
 * Reads one line as a directive. `prefix` is what begins a comment: `#`, or `//` where other languages are asked.
 * The value keeps no white space around it.
 */
export function matchDirective(line: string, prefix: string): Match | undefined {
  if (!line.startsWith(prefix)) return undefined
  const match = /^[\t\n\f\r ]*([a-zA-Z][a-zA-Z0-9]*)[\t\n\f\r ]*=[\t\n\f\r ]*/.exec(line.slice(prefix.length))
  if (!match) return undefined
  const end = lastVisible(line)
  const valueAt = prefix.length + match[0].length
  if (valueAt < end) return { name: match[1]!.toLowerCase(), value: line.slice(valueAt, end), valueAt }
  // Nothing but blanks after the `=`: the last of them is the value.
  if (match[0].endsWith('=')) return undefined
  return { name: match[1]!.toLowerCase(), value: line.slice(-1), valueAt: line.length - 1 }
}

function lastVisible(line: string): number {
  let end = line.length
  while (end > 0 && '\t\n\f\r '.includes(line[end - 1]!)) end--
  return end
}

/** Whether `name` is that of a directive. Other names are comments, which do not end the directives. */
export function isDirectiveName(name: string): name is DirectiveName {
  return name === 'syntax' || name === 'escape' || name === 'check'
}

/** Checks the value of `# escape=`. */
export function checkEscape(directive: Directive): string {
  if (directive.text === '`' || directive.text === '\\') return directive.text
  const message = `invalid escape token '${directive.text}' does not match \` or \\`
  throw fail('DOCKERFILE_INVALID', message, { span: directive.span })
}

/**
 * The frontend that a Dockerfile asks for: `# syntax=` or `// syntax=` at its top, or a JSON document with a key
 * `syntax`; a first line `#!...` is skipped. Only the first word of the value counts.
 */
export function detectSyntax(text: string): string | undefined {
  const lines = text.replace(/^\ufeff/, '').split('\n', 1000)
  if (lines[0]?.startsWith('#!')) lines.shift()
  for (const prefix of ['#', '//']) {
    const value = findSyntax(lines, prefix)
    if (value !== undefined) return value.split(' ', 1)[0]
  }
  return text.trimStart().startsWith('{') ? syntaxOfJson(text) : undefined
}

function findSyntax(lines: readonly string[], prefix: string): string | undefined {
  for (const line of lines) {
    const match = matchDirective(line, prefix)
    if (!match) return undefined
    if (match.name === 'syntax') return match.value
  }
  return undefined
}

function syntaxOfJson(text: string): string | undefined {
  try {
    const value = (JSON.parse(text) as Record<string, unknown>)['syntax']
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}
