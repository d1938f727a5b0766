import type { Job } from '../../core/index.ts'

const MOST_BYTES = 4096
const MOST_SEEN = 1000
const FORM = /(?:^|,)\s*299 - "((?:[^"\\]|\\.){1,4096})"(?=\s*(?:,|$))/g
const seen = new Set<string>()

/** The texts that a registry wants its users to know (distribution spec, "Warnings"): `299 - "text"`, of 4 KiB in all. */
export function warningTexts(header: string | readonly string[] | undefined): string[] {
  const text = (typeof header === 'string' ? header : (header ?? []).join(', ')).slice(0, MOST_BYTES)
  return [...text.matchAll(FORM)].map(([, quoted]) => quoted!.replace(/\\(.)/g, '$1').replace(/[\p{Cc}\p{Cf}]/gu, ' '))
}

/** Shows these texts, each once. */
export function showWarnings(header: string | readonly string[] | undefined, host: string, job: Job): void {
  for (const message of warningTexts(header)) {
    const key = `${host} ${message}`
    if (seen.has(key)) continue
    if (seen.size >= MOST_SEEN) seen.clear()
    seen.add(key)
    job.progress({ type: 'warning', code: 'REGISTRY_WARNING', message: `${host}: ${message}` })
  }
}
