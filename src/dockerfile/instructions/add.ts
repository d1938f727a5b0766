import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { parseFlags } from './flags.ts'
import type { InstructionBase } from './malformed.ts'
import { checkSources, parseSources, type SourcesAndDestination } from './sources.ts'

/** `ADD [flags] source... destination`: COPY that also unpacks archives and fetches URLs. */
export interface AddInstruction extends InstructionBase<'add'>, SourcesAndDestination {
  readonly chown?: Token
  readonly chmod?: Token
  readonly checksum?: Token
  readonly link: boolean
  readonly keepGitDir?: boolean
  /** Absent: local archives are unpacked, fetched ones are not. */
  readonly unpack?: boolean
  readonly excludes: readonly Token[]
}

/** Understands ADD. */
export function parseAdd(node: DockerfileNode): AddInstruction {
  checkSources(node, 'ADD')
  const flags = parseFlags(node, {
    checksum: 'string',
    chmod: 'string',
    chown: 'string',
    exclude: 'list',
    'keep-git-dir': 'boolean',
    link: 'boolean',
    unpack: 'boolean',
  })
  const { chown, chmod, checksum, link, exclude, unpack, 'keep-git-dir': keepGitDir } = flags
  return {
    kind: 'add',
    node,
    ...parseSources(node, 'ADD'),
    link: link ?? false,
    excludes: exclude,
    ...(chown ? { chown } : {}),
    ...(chmod ? { chmod } : {}),
    ...(checksum ? { checksum } : {}),
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(unpack === undefined ? {} : { unpack }),
  }
}
