import { fail } from '../../core/index.ts'
import type { Annotation } from '../../engine/index.ts'
import { parsePlatform } from '../../oci/index.ts'

const PLACES: readonly string[] = ['manifest', 'manifest-descriptor', 'index', 'index-descriptor']

/** The annotations of `--annotation [TYPE[,TYPE][[PLATFORM]]:]KEY=VALUE`. Fails with `USAGE_INVALID`, in buildx's words. */
export function parseAnnotations(texts: readonly string[]): Annotation[] {
  return texts.filter((text) => text !== '').flatMap(parseAnnotation)
}

function parseAnnotation(text: string): Annotation[] {
  const equals = text.indexOf('=')
  if (equals < 0) throw invalid(`invalid annotation "${text}", expected key=value`)
  const [name, value] = [text.slice(0, equals), text.slice(equals + 1)]
  const colon = name.indexOf(':')
  if (colon < 0) return [{ on: 'manifest', key: name, value }]
  const key = name.slice(colon + 1)
  return name
    .slice(0, colon)
    .split(',')
    .map((place): Annotation => {
      const match = /^([a-z-]+)(?:\[([A-Za-z0-9_/-]+)\])?$/.exec(place)
      const expected = 'expected type and optional platform in square brackets'
      if (!match) throw invalid(`invalid annotation type "${place}", ${expected}`)
      if (!PLACES.includes(match[1]!)) throw invalid(`unknown annotation type "${match[1]}"`)
      return annotation(match[1]!, match[2], { key, value })
    })
}

/** An attribute of an output: `annotation.KEY`, `annotation-index.KEY`, `annotation-manifest[linux/amd64].KEY`. */
export function annotationAttribute(name: string, value: string): Annotation | undefined {
  const match = /^annotation(?:-([a-z-]+))?(?:\[([A-Za-z0-9_/-]+)\])?\.(\S+)$/.exec(name)
  if (!match) return undefined
  const [, place = 'manifest', platform, key] = match
  if (!PLACES.includes(place)) throw invalid(`unknown annotation type "${place}"`)
  return annotation(place, platform, { key: key!, value })
}

function annotation(place: string, platform: string | undefined, pair: { key: string; value: string }): Annotation {
  const only = platform === undefined ? {} : { platform: parsePlatform(platform) }
  return { on: place as Annotation['on'], ...only, ...pair }
}

function invalid(problem: string): Error {
  return fail('USAGE_INVALID', `parse annotations: ${problem}`)
}
