import { isGoPrintable } from '../../core/index.ts'

const HTML: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
}

/** Text made safe for HTML, as Go's `html` function does it. */
export function escapeHtml(text: string): string {
  return text.replace(/[\0"'&<>]/g, (character) => HTML[character]!)
}

const JS: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
}

/** Text made safe for the inside of a JavaScript string, as Go's `js` function does it. */
export function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=\x00-\x1f]|[^\x00-\x7f]/gu, (character) => {
    const code = character.codePointAt(0)!
    if (code >= 0x80) return isGoPrintable(character) ? character : `\\u${hex4(code)}`
    return JS[character] ?? `\\u${hex4(code)}`
  })
}

function hex4(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0')
}

/** Text as a part of a URL's query, as Go's `urlquery` function does it: a space becomes `+`. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+')
}
