import type { ProvenanceOptions } from '../../../build/index.ts'
import { fail, notGoBool, parseGoBool, quoteGo } from '../../../core/index.ts'

/** A statement about the image that is attached to it. */
export interface AttestationRequest {
  /** `provenance` or `sbom`. */
  type: string
  /** Of provenance: `mode`, `version`, `builder-id`, `reproducible`, `inline-only`; of both: `filename`. */
  attributes?: Readonly<Record<string, string>>
}

/** What a build attaches to its images. */
export interface AttestationOptions {
  provenance?: ProvenanceOptions & FileOptions
  sbom?: FileOptions
}

interface FileOptions {
  /** What it is called beside the files of an image. */
  filename: string
  /** Only attached to images, no file of its own. */
  inlineOnly: boolean
}

/** Reads what is asked for. Fails with `ATTESTATION_INVALID`, in BuildKit's words. */
export function attestationOptions(requests: readonly AttestationRequest[]): AttestationOptions {
  const options: AttestationOptions = {}
  for (const { type, attributes = {} } of requests) {
    if (type === 'provenance') options.provenance ??= provenanceOptions(attributes)
    else if (type === 'sbom') options.sbom ??= sbomOptions(attributes)
    else throw invalid(`unknown attestation type ${JSON.stringify(type)}`, 'there are provenance and sbom')
  }
  return options
}

function provenanceOptions(attributes: Attributes): NonNullable<AttestationOptions['provenance']> {
  const mode = attributes['mode'] ?? 'max'
  if (mode !== 'min' && mode !== 'max')
    throw invalid(`invalid mode ${JSON.stringify(mode)}`, 'use mode=min or mode=max')
  const version = attributes['version'] ?? 'v1'
  if (version !== 'v1' && version !== 'v0.2') {
    throw invalid(`invalid provenance SLSA version: ${version}`, 'use version=v1 or version=v0.2')
  }
  return {
    mode,
    version,
    builderId: attributes['builder-id'] ?? '',
    reproducible: flagOf('reproducible', attributes),
    ...fileOptions('provenance.json', attributes),
  }
}

function sbomOptions(attributes: Attributes): FileOptions {
  const { generator } = attributes
  if (generator === undefined) return fileOptions('sbom.spdx.json', attributes)
  throw fail('BUILD_UNSUPPORTED', `SBOM generator ${generator} is not supported`, {
    hint: 'leave generator= away: Slipway reads the packages of the image by itself',
  })
}

type Attributes = Readonly<Record<string, string>>

function fileOptions(name: string, attributes: Attributes): FileOptions {
  const { filename = name } = attributes
  if (!/^[\w.-]+$/.test(filename) || filename === '.' || filename === '..') {
    throw invalid(`invalid filename ${JSON.stringify(filename)}`, 'it is a plain name, without a folder')
  }
  return { filename, inlineOnly: flagOf('inline-only', attributes) }
}

function flagOf(name: string, attributes: Attributes): boolean {
  const text = attributes[name]
  if (text === undefined || text === '') return false
  const truth = parseGoBool(text)
  if (truth === undefined) throw invalid(`failed to parse ${name} flag ${quoteGo(text)}: ${notGoBool(text)}`)
  return truth
}

function invalid(message: string, hint?: string): Error {
  return fail('ATTESTATION_INVALID', message, hint === undefined ? {} : { hint })
}
