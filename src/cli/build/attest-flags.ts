import { fail, notGoBool, parseGoBool } from '../../core/index.ts'
import type { AttestationRequest } from '../../engine/index.ts'
import { parseFields } from './fields.ts'

interface AttestFlags {
  attest: readonly string[]
  provenance: string | undefined
  sbom: string | undefined
}

/**
 * The attestations that `--attest`, `--provenance` and `--sbom` ask for. Of several for one type the first counts,
 * `--attest` before the short forms, as in buildx. Fails with `USAGE_INVALID`, in buildx's words.
 */
export function attestationsOf({ attest, provenance, sbom }: AttestFlags): AttestationRequest[] {
  const texts = [...attest, ...longForm('provenance', provenance), ...longForm('sbom', sbom)]
  const byType = new Map<string, { request: AttestationRequest; disabled: boolean }>()
  for (const text of texts) {
    const parsed = parseAttest(text)
    if (!byType.has(parsed.request.type)) byType.set(parsed.request.type, parsed)
  }
  return [...byType.values()].flatMap(({ request, disabled }) => (disabled ? [] : [request]))
}

function longForm(type: string, text: string | undefined): string[] {
  if (!text) return []
  const on = parseGoBool(text)
  return [on === undefined ? `type=${type},${text}` : `type=${type},disabled=${!on}`]
}

function parseAttest(text: string): { request: AttestationRequest; disabled: boolean } {
  let type = ''
  let disabled = false
  const attributes: Record<string, string> = {}
  for (const { text: field, key: name, value } of parseFields(text, (problem) => fail('USAGE_INVALID', problem))) {
    if (value === undefined) throw fail('USAGE_INVALID', `invalid value ${field}`)
    const key = name.toLowerCase()
    if (key === 'type') type = value
    else if (key === 'disabled') disabled = parseGoBool(value) ?? notBoolean(field, value)
    else attributes[key] = value
  }
  if (type === '') throw fail('USAGE_INVALID', 'attestation type not specified')
  return { request: { type, attributes }, disabled }
}

function notBoolean(field: string, value: string): never {
  throw fail('USAGE_INVALID', `invalid value ${field}: ${notGoBool(value)}`)
}
