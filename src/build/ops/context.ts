import { fail, type Job } from '../../core/index.ts'
import type { FileSource } from '../files/source.ts'
import type { ContextOp } from '../graph.ts'
import type { OpRunner } from '../runner.ts'

/** The build contexts by name. Each is opened when it is first asked for. */
export interface ContextFiles {
  get(name: string, task: string, job: Job): FileSource | undefined | Promise<FileSource | undefined>
}

/** The files the user gave to the build. They are looked at when a COPY wants them, and only those it wants. */
export function contextRunner(contexts: ContextFiles): OpRunner<ContextOp> {
  return {
    kind: 'context',
    operation: () => undefined,
    content: async () => null,
    async run(op, _inputs, { id }, job) {
      const files = await contexts.get(op.name, id, job)
      if (!files) throw fail('INTERNAL', `no build context named ${op.name}`)
      return { kind: 'files', files }
    },
  }
}
