import { imagePackageUrl } from '../../../build/index.ts'
import { type Digest, type Job, programVersion } from '../../../core/index.ts'
import {
  familiarReference,
  type ImageConfig,
  type Platform,
  parseReference,
  type Statement,
} from '../../../oci/index.ts'
import { type Files, scanFiles, spdxDocument } from '../../../scan/index.ts'

/** What is scanned, and how it is called: `sbom`, `sbom-builder`, `sbom-context`. */
export interface Scanned {
  name: string
  files: Files
}

/** The image that the statements are about. */
export interface SbomImage {
  digest: Digest
  config: ImageConfig
  names: readonly string[]
  platform: Platform
  /** Unix milliseconds; the time of the image when missing. */
  created?: number
}

/** The predicate type of SPDX documents. */
export const SPDX_TYPE = 'https://spdx.dev/Document'

/** A statement with the packages of each thing that was scanned. What could not be read becomes a warning. */
export async function sbomPredicates(image: SbomImage, scanned: readonly Scanned[], job: Job): Promise<Predicate[]> {
  const predicates: Predicate[] = []
  for (const { name, files } of scanned) {
    const scan = await scanFiles(files, job)
    for (const problem of scan.problems) {
      job.progress({ type: 'warning', code: 'SBOM_INCOMPLETE', message: `not in the SBOM: ${problem}` })
    }
    predicates.push({ name, predicateType: SPDX_TYPE, predicate: spdxDocument(scan, subjectOf(name, image)) })
  }
  return predicates
}

/** A statement without its subjects. */
export interface Predicate extends Omit<Statement, 'subjects'> {
  name: string
}

function subjectOf(name: string, image: SbomImage): Parameters<typeof spdxDocument>[1] {
  const { digest, config, names, platform, created } = image
  const [first] = names
  const isImage = name === 'sbom'
  const time = created ?? Date.parse(config.created ?? '')
  return {
    name: isImage && first ? familiarReference(parseReference(first)) : name,
    digest,
    ...(isImage && first ? { purl: imagePackageUrl(first, platform) } : {}),
    created: Number.isFinite(time) ? time : 0,
    version: programVersion(),
  }
}
