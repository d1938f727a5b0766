import { fail } from '../core/index.ts'

/**
 * Marks a text as meaning itself: a `$` in it names no variable. Without it, `$NAME` and `${NAME}` in paths and values
 * are replaced as in a Dockerfile, `\$` is a dollar sign and `\\` a backslash.
 */
export function literal(text: string): string {
  return text.replace(/[\\$]/g, '\\$&')
}

/** A word of the Dockerfile language for this text, in double quotes unless it is plain. Fails with `IMAGE_INVALID`. */
export function word(text: string): string {
  checkOneLine(text)
  return /^[\w@%+=:,./*?~$!{}-]+$/.test(text) && !text.startsWith('--') ? text : quoted(text)
}

/** A value after `NAME=`. */
export function value(text: string): string {
  checkOneLine(text)
  return /^[\w@%+=:,./~$!{}-]*$/.test(text) ? text : quoted(text)
}

/** Words as a JSON list, for paths that hold spaces. */
export function jsonList(texts: readonly string[]): string {
  for (const text of texts) checkOneLine(text)
  return `[${texts.map((text) => JSON.stringify(/["'\\]/.test(text) ? quoted(text) : text)).join(', ')}]`
}

/** A name of a variable, a label or an argument. Fails with `IMAGE_INVALID`. */
export function nameOfVariable(name: string): string {
  if (/^[A-Za-z_][\w.-]*$/.test(name)) return name
  throw fail('IMAGE_INVALID', `${JSON.stringify(name)} is not a name of a variable`)
}

/** Within double quotes the language knows `\"`, `\$` and `\\`; backslashes before `$` and `\` are the user's own. */
const quoted = (text: string): string => `"${text.replaceAll('"', '\\"')}"`

function checkOneLine(text: string): void {
  if (!/[\n\r\0]/.test(text)) return
  throw fail('IMAGE_INVALID', `${JSON.stringify(text)} holds a line break, which no Dockerfile can say here`, {
    hint: 'write a file with .file(), or set the value in a RUN step',
  })
}
