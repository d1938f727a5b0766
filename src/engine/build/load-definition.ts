import path from 'node:path'
import { type Job, runTask, type SourceFile } from '../../core/index.ts'
import { contextFolder, type IgnoreFile, readDockerfile, readIgnoreFile } from './definition.ts'
import type { BuildRequest } from './request.ts'

/** What a build begins with. */
export interface Definition {
  /** The context's folder, absolute. */
  context: string
  source: SourceFile
  /** What progress calls the reading of the Dockerfile. */
  task: string
  /** Reads `.dockerignore`. */
  ignore(): Promise<IgnoreFile | undefined>
}

/** Finds the context and reads the Dockerfile. Fails with `CONTEXT_MISSING` and `DOCKERFILE_MISSING`. */
export async function loadDefinition(request: BuildRequest, job: Job): Promise<Definition> {
  const context = contextFolder(request.context)
  const task = taskName('load build definition from', nameOf(request))
  const { file, source } = await internal(job, task, () => readDockerfile(context, request.dockerfile))
  const ignore = (): Promise<IgnoreFile | undefined> =>
    internal(job, taskName('load', '.dockerignore'), () => readIgnoreFile(context, file))
  return { context, source, task, ignore }
}

function nameOf({ dockerfile = 'Dockerfile' }: BuildRequest): string {
  return typeof dockerfile === 'string' ? dockerfile : dockerfile.name
}

const taskName = (verb: string, what: string): string => `[internal] ${verb} ${path.basename(what)}`

function internal<T>(job: Job, name: string, work: () => T): Promise<T> {
  return runTask(job, { id: name, name }, async () => work())
}
