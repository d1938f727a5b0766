import type { Job } from '../../core/index.ts'

const MOST_BYTES = 4096
const MOST_SEEN = 1000
const FORM = /299 - "((?:[^"\\]|\\.){1,4096})"/g
const seen = new Set<string>()

/** Shows what a registry wants its users to know, each text once (distribution spec, "Warnings"): `Warning: 299 - "text"`. */
export function showWarnings(header: string | readonly string[] | undefined, host: string, job: Job): void {
  if (header === undefined) return
  const text = (typeof header === 'string' ? header : header.join(', ')).slice(0, MOST_BYTES)
  for (const [, quoted] of text.matchAll(FORM)) {
    const message = quoted!.replace(/\\(.)/g, '$1').replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    const key = `${host} ${message}`
    if (seen.has(key)) continue
    if (seen.size >= MOST_SEEN) seen.clear()
    seen.add(key)
    job.progress({ type: 'warning', code: 'REGISTRY_WARNING', message: `${host}: ${message}` })
  }
}
