import { readFileSync } from 'node:fs'
import type { Digest } from '../../../core/index.ts'
import { formatPlatform, type ImageConfig, parseConfig } from '../../../oci/index.ts'
import type { FolderStorage } from '../folder/folder.ts'
import type { ChangeListener } from '../storage.ts'

/** Configs that are larger are not read. */
const LARGEST = 4 * 1024 * 1024

/** What lists show of images beyond their manifests; read from each config once, when its image is pushed. */
export interface ImageFacts {
  readonly listener: ChangeListener
  /** The config of an image; `undefined` when it is not there, or no image's. */
  config(digest: Digest): ImageConfig | undefined
}

export function createImageFacts(storage: FolderStorage): ImageFacts {
  const { database: db } = storage
  const config = (digest: Digest): ImageConfig | undefined => {
    const row = db.get<{ size: number }>("SELECT size FROM blobs WHERE digest = ? AND state = 'ok'", digest)
    if (!row || row.size > LARGEST) return undefined
    try {
      return parseConfig(readFileSync(storage.layout.blob(digest)))
    } catch {
      // not an image's config: a chart, a signature
      return undefined
    }
  }
  return {
    config,
    listener: {
      after(change) {
        if (change.kind !== 'manifest-put' || change.manifest.document.kind !== 'manifest') return
        const { digest } = change.manifest.document.manifest.config
        if (db.get('SELECT 1 FROM image_facts WHERE config_digest = ?', digest)) return
        const found = config(digest)
        const created = found?.created === undefined ? Number.NaN : Date.parse(found.created)
        db.run(
          'INSERT INTO image_facts VALUES (?, ?, ?)',
          ...[digest, found ? formatPlatform(found) : null, Number.isNaN(created) ? null : created],
        )
      },
    },
  }
}
