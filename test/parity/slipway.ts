import path from 'node:path'
import { type Engine, openEngine, SlipwayError } from '../../src/engine/index.ts'
import { saveFile } from '../../src/transfer/index.ts'
import type { Build, Ending } from './case.ts'

/** A Slipway with a store of its own. */
export class Slipway implements Disposable {
  readonly engine: Engine

  constructor(folder: string) {
    this.engine = openEngine({ root: folder })
  }

  async build(build: Build, folder: string, tag: string): Promise<Ending> {
    const { buildArgs, labels, network, target, dockerfileName } = build
    const dockerfile = path.join(folder, dockerfileName)
    const request = { context: folder, dockerfile, tags: [tag], buildArgs, labels, network }
    try {
      await this.engine.build({ ...request, ...(target === undefined ? {} : { target }) })
      return { ok: true }
    } catch (error) {
      if (!(error instanceof SlipwayError)) return { ok: false, message: `a bug: ${(error as Error).stack}` }
      const line = error.span ? `line ${error.span.line}: ` : ''
      return { ok: false, message: line + error.message, code: error.code }
    }
  }

  async save(tag: string, file: string): Promise<void> {
    await saveFile(file, this.engine.images.save([tag]))
  }

  [Symbol.dispose](): void {
    this.engine[Symbol.dispose]()
  }
}
