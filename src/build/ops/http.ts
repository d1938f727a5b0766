import { fail, type Job } from '../../core/index.ts'
import { SingleFileSource } from '../files/single-file-source.ts'
import { download } from '../http/download.ts'
import type { OpRunner } from '../runner.ts'
import type { BuildSession } from '../session.ts'
import { fileNameOf, redactUrl } from '../url.ts'

/** ADD of a URL: one file, mode 0600, with the server's Last-Modified as its time. */
export interface HttpOp {
  kind: 'http'
  url: string
  /** `sha256:...` that the content must have, null when not given. */
  checksum: string | null
}

/** Fetches the file, or asks the server whether the one that is remembered still holds. The copy op keys its content. */
export function httpRunner(session: BuildSession): OpRunner<HttpOp> {
  return {
    kind: 'http',
    operation: () => undefined,
    content: async () => null,
    async run(op, _inputs, task, job: Job) {
      const file = await download(session, op.url, task.id, job)
      if (op.checksum !== null && op.checksum !== file.digest) {
        throw fail('CONTENT_MISMATCH', `digest mismatch ${file.digest}: ${op.checksum} for ${redactUrl(op.url)}`, {
          data: { url: redactUrl(op.url) },
        })
      }
      const body = { hostPath: session.store.blobs.path(file.digest) }
      const { digest, size, time } = file
      const name = fileNameOf(op.url)
      return { kind: 'files', files: new SingleFileSource({ name, mode: 0o600, time, size, digest, body }) }
    },
  }
}
