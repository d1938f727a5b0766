import { type Dockerfile, expand, type Stage } from '../../dockerfile/index.ts'
import { parseReference } from '../../oci/index.ts'
import { dockerPage, type FileRule, type Finding, type Variables } from '../rule.ts'

/** `ARG VERSION` and `FROM alpine:$VERSION`: without --build-arg this is no name of an image. */
export const invalidDefaultArgInFrom: FileRule = {
  name: 'InvalidDefaultArgInFrom',
  description: 'Default value for global ARG results in an empty or invalid base image name',
  url: dockerPage('invalid-default-arg-in-from'),
  about: 'file',
  check({ dockerfile, defaults }) {
    if (!defaults) return []
    const findings: Finding[] = []
    for (const stage of dockerfile.stages) {
      const name = nameOf(stage, dockerfile, defaults)
      if (name === undefined) break // as in BuildKit: the build fails there, and says why
      if (isReference(name)) continue
      const message = `Default value for ARG ${stage.from.base.text} results in empty or invalid base image name`
      findings.push({ message, span: stage.from.node.span })
    }
    return findings
  },
}

function nameOf({ from }: Stage, dockerfile: Dockerfile, defaults: Variables): string | undefined {
  try {
    return expand(from.base.text, defaults, dockerfile).text
  } catch {
    return undefined
  }
}

function isReference(name: string): boolean {
  try {
    parseReference(name)
    return true
  } catch {
    return false
  }
}
