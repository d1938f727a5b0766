import { hasCode } from '../../core/index.ts'
import { withPrefix } from './failure.ts'
import { type TemplateFunction, textValue } from './function.ts'
import { jsonOf } from './json.ts'
import { v1Descriptor, v1Platform } from './shared-types.ts'
import { compileTemplate, renderTemplate } from './template.ts'
import { ANY, type GoType, sliceOf, structOf, toValue, unbox } from './values.ts'

const MANIFEST = structOf('imagetools.tplManifest', {
  SchemaVersion: ['schemaVersion', 'int'],
  MediaType: ['mediaType', 'string'],
  Digest: ['digest', 'digest.Digest'],
  Size: ['size', 'int64'],
  Platform: ['platform', v1Platform],
  Annotations: ['annotations', 'map[string]string'],
  Manifests: ['manifests', sliceOf(v1Descriptor)],
})

/** Configs and statements are plain JSON. */
const TYPE: GoType = structOf('imagetools.tplInputs', {
  Name: ['name', 'string'],
  Manifest: ['manifest', MANIFEST],
  Image: ['image', ANY],
  SBOM: ['sbom', ANY],
  Provenance: ['provenance', ANY],
})

/** `imagetools inspect` prints JSON for people. */
const FUNCTIONS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['json', { parameters: ['any'], call: ([value]) => textValue(indented(JSON.parse(jsonOf(value)))) }],
])

/** What `imagetools inspect` shows. */
export interface ImagetoolsData {
  name: string
  manifest: unknown
  image: unknown
  sbom: unknown
  provenance: unknown
}

/**
 * The output of `imagetools inspect --format`: names, manifest and image for `json` and `{{json .}}`; else the template,
 * in which fields go by the names of buildx (`.Manifest.Digest`) or by those of the JSON (`.Manifest.digest`).
 */
export function renderImagetools(format: string, data: ImagetoolsData): string {
  const { name, manifest, image, sbom, provenance } = data
  if (format === 'json' || /^\{\{ *json +\. *\}\}$/.test(format)) return indented({ name, manifest, image })
  const template = withPrefix('template parsing error: ', () => compileTemplate(format))
  const render = (type: GoType, value: unknown): string =>
    renderTemplate(template, unbox(toValue(type, value)), { functions: FUNCTIONS })
  return withPrefix('template parsing error: ', () => {
    try {
      if (!/\bjson\b/.test(format)) return render(TYPE, data)
    } catch (error) {
      if (!hasCode(error, 'TEMPLATE_FAILED')) throw error
    }
    return render(ANY, { Name: name, Manifest: manifest, Image: image, SBOM: sbom, Provenance: provenance })
  })
}

function indented(value: unknown): string {
  return JSON.stringify(value, undefined, 2)
}
