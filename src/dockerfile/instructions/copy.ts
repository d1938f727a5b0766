import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { parseFlags } from './flags.ts'
import { type InstructionBase, malformed } from './malformed.ts'
import { checkSources, parseSources, type SourcesAndDestination } from './sources.ts'

/** `COPY [flags] source... destination`. Values of flags may hold variables, but for `--from`. */
export interface CopyInstruction extends InstructionBase<'copy'>, SourcesAndDestination {
  /** A stage by name or number, an image, or a named context. */
  readonly from?: Token
  readonly chown?: Token
  readonly chmod?: Token
  readonly link: boolean
  readonly parents: boolean
  readonly excludes: readonly Token[]
}

/** Understands COPY. */
export function parseCopy(node: DockerfileNode): CopyInstruction {
  checkSources(node, 'COPY')
  const { from, chown, chmod, link, parents, exclude } = parseFlags(node, {
    chmod: 'string',
    chown: 'string',
    exclude: 'list',
    from: 'string',
    link: 'boolean',
    parents: 'boolean',
  })
  return {
    kind: 'copy',
    node,
    ...parseSources(node, 'COPY'),
    link: link ?? false,
    parents: parents ?? false,
    excludes: exclude,
    ...(from ? { from } : {}),
    ...(chown ? { chown } : {}),
    ...(chmod ? { chmod } : {}),
  }
}

/** Refuses a `--from` that holds a variable. It is no fault of ONBUILD triggers until they run. */
export function checkCopyFrom({ from }: CopyInstruction): void {
  if (!from || !/\$./.test(from.text)) return
  const advice = 'define a new stage with FROM using ARG from global scope as a workaround'
  throw malformed(from, `variable expansion is not supported for --from, ${advice}`)
}
