import type { Targets } from '../../../engine/index.ts'
import { goJson } from '../../../oci/index.ts'
import { alignColumns } from '../columns.ts'
import { escapeName } from '../escape.ts'
import { type Answer, base64Of, locationOf } from './answer.ts'

/** The stages of a Dockerfile, as `docker buildx build --call=targets` prints them. */
export function renderTargets({ targets, source }: Targets, format: 'text' | 'json'): Answer {
  if (format === 'json') {
    const listed = targets.map(({ name, isDefault, description, base, platform, span }) => ({
      ...(name === undefined ? {} : { name }),
      ...(isDefault ? { default: true } : {}),
      ...(description ? { description } : {}),
      base,
      ...(platform === undefined ? {} : { platform }),
      location: locationOf(span),
    }))
    return { out: `${goJson({ targets: listed, sources: [base64Of(source)] }, 2)}\n`, code: 0 }
  }
  const rows = targets.map(({ name = '', isDefault, description = '' }) => {
    const shown = isDefault ? `${name} (default)`.trimStart() : name
    return `${shown}\t${escapeName(description)}`
  })
  return { out: `${alignColumns(['TARGET\tDESCRIPTION', ...rows].join('\n'), { minimum: 0, padding: 1 })}\n`, code: 0 }
}
