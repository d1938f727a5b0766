import type { Runners } from '../runner.ts'
import type { BuildSession } from '../session.ts'
import { type ContextFiles, contextRunner } from './context.ts'
import { copyRunner } from './copy.ts'
import { folderRunner } from './folder.ts'
import { gitRunner } from './git.ts'
import { httpRunner } from './http.ts'
import { imageRunner } from './image.ts'
import { mergeRunner } from './merge.ts'
import { runRunner } from './run.ts'

/** How each kind of operation is done in one build. `contexts` are the files the user gave, by name. */
export function createRunners(session: BuildSession, contexts: ContextFiles): Runners {
  return {
    context: contextRunner(contexts),
    copy: copyRunner(session),
    folder: folderRunner(session),
    git: gitRunner(session),
    http: httpRunner(session),
    image: imageRunner(session),
    merge: mergeRunner(),
    run: runRunner(session),
  }
}
