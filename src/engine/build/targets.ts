import { BuildSession } from '../../build/index.ts'
import type { Job, SourceFile, SourceSpan } from '../../core/index.ts'
import { parseDockerfile } from '../../dockerfile/index.ts'
import type { Store } from '../../store/index.ts'
import { loadDefinition } from './definition.ts'
import type { BuildRequest } from './request.ts'

/** The stages of a Dockerfile, in their order. */
export interface Targets {
  readonly targets: readonly Target[]
  readonly source: SourceFile
}

/** A stage that can be built. */
export interface Target {
  readonly name?: string
  /** From the comment above it. */
  readonly description?: string
  /** Whether it is built when none is named. */
  readonly isDefault: boolean
  /** As written, variables and all. */
  readonly base: string
  readonly platform?: string
  readonly span: SourceSpan
}

/** Lists the stages. Base images are not looked for. */
export async function targets(store: Store, request: BuildRequest, job: Job): Promise<Targets> {
  using lease = store.lease()
  await using session = new BuildSession(store, lease)
  const { source } = await loadDefinition(session, request, job)
  const { stages } = parseDockerfile(source)
  const found = stages.map(({ name, from, index }): Target => {
    const { description, platform, base, node } = from
    return {
      ...(name === undefined ? {} : { name }),
      ...(description === undefined ? {} : { description }),
      ...(platform ? { platform: platform.text } : {}),
      isDefault: index === stages.length - 1,
      base: base.text,
      span: node.span,
    }
  })
  return { targets: found, source }
}
