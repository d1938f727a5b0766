import type { Engine, PulledImage, PullRequest } from '../engine/index.ts'
import { parseReference } from '../oci/index.ts'
import type { CommandContext } from './command.ts'
import { createLayerLines, TRANSFER_WORDS } from './render/progress/index.ts'
import { warningJob } from './session.ts'

type Context = Pick<CommandContext, 'globals' | 'signal' | 'io'>

/**
 * Pulls, and tells of it as Docker does: on stdout, or on stderr where that belongs to somebody else. With `quiet`
 * nothing is told.
 */
export async function pullTelling(
  engine: Engine,
  request: PullRequest,
  { context, to, quiet }: { context: Context; to: 'stdout' | 'stderr'; quiet: boolean },
): Promise<void> {
  const output = context.io[to]
  const lines = createLayerLines(output, TRANSFER_WORDS.pull, { headlines: true })
  const { job, tellWarnings } = warningJob(context, (event) => quiet || lines.progress(event))
  try {
    for await (const pulled of engine.images.pull(request, job)) {
      lines.end()
      await tellWarnings()
      if (!quiet) await output.write(describe(pulled))
    }
  } finally {
    lines.end()
  }
}

function describe({ name, digest, isNew }: PulledImage): string {
  const status = isNew ? 'Downloaded newer image for' : 'Image is up to date for'
  return `Digest: ${digest}\nStatus: ${status} ${name}\n`
}

/** A name that has neither a tag nor a digest stands for the tag `latest`. */
export function hasNoTag(name: string): boolean {
  const { tag, digest } = parseReference(name)
  return (tag ?? digest) === undefined
}
