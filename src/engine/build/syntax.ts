import { fail, hasCode, type SourceFile, type SourceSpan } from '../../core/index.ts'
import { detectSyntax } from '../../dockerfile/index.ts'
import { parseReference } from '../../oci/index.ts'

/** The repositories of BuildKit's Dockerfile frontend: what they hold is built in here. */
const BUILT_IN = /^docker\/dockerfile(-upstream)?$/

/**
 * Checks that a Dockerfile is written in the language that is known here: `# syntax=docker/dockerfile:1`, whatever the
 * version and the registry; BUILDKIT_SYNTAX says something else than the file. Fails with `SYNTAX_UNKNOWN`.
 */
export function checkSyntax(source: SourceFile, buildArgs: Readonly<Record<string, string>> = {}): void {
  const given = buildArgs['BUILDKIT_SYNTAX']
  const wanted = given || detectSyntax(source.text)
  if (wanted === undefined || isBuiltIn(wanted)) return
  throw fail('SYNTAX_UNKNOWN', `unknown Dockerfile frontend ${wanted}: only docker/dockerfile is built in`, {
    hint: given
      ? 'Leave out the build argument BUILDKIT_SYNTAX.'
      : 'Slipway runs no frontend images. Remove the line, or build with --build-arg BUILDKIT_SYNTAX=docker/dockerfile.',
    ...(given ? {} : { span: lineOf(source, wanted) }),
  })
}

function isBuiltIn(name: string): boolean {
  if (name === 'dockerfile.v0') return true
  try {
    return BUILT_IN.test(parseReference(name).path)
  } catch (error) {
    if (hasCode(error, 'REFERENCE_INVALID')) return false
    throw error
  }
}

function lineOf(source: SourceFile, wanted: string): SourceSpan {
  const lines = source.text.split('\n', 1000)
  const at = Math.max(
    0,
    lines.findIndex((line) => line.includes(wanted)),
  )
  const line = at + 1
  return { source, line, column: 1, endLine: line, endColumn: lines[at]!.replace(/\r$/, '').length + 1 }
}
