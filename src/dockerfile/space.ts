/** White space as Go's `unicode.IsSpace` sees it, by which BuildKit splits words. JavaScript's `\s` is another set. */
export function isSpace(code: number): boolean {
  if (code < 0x80) return code === 0x20 || (code >= 0x09 && code <= 0x0d)
  return (
    code === 0x85 ||
    code === 0xa0 ||
    code === 0x1680 ||
    (code >= 0x2000 && code <= 0x200a) ||
    code === 0x2028 ||
    code === 0x2029 ||
    code === 0x202f ||
    code === 0x205f ||
    code === 0x3000
  )
}

/** The part of `text` between `start` and `end` without white space around it, as offsets. */
export function trimRange(text: string, start: number, end: number): { start: number; end: number } {
  let from = start
  let to = end
  while (from < to && isSpace(text.charCodeAt(from))) from++
  while (to > from && isSpace(text.charCodeAt(to - 1))) to--
  return { start: from, end: to }
}

/** `text` without white space around it. */
export function trimSpace(text: string): string {
  const { start, end } = trimRange(text, 0, text.length)
  return text.slice(start, end)
}
