import path from 'node:path'
import { fail } from '../../core/index.ts'
import {
  type AddInstruction,
  type CopyInstruction,
  expandRaw,
  type InlineFile,
  type Token,
} from '../../dockerfile/index.ts'
import { createExclusion } from '../files/exclude.ts'
import { parseModeChange } from '../files/mode.ts'
import { isCommit, parseGitUrl } from '../git/index.ts'
import type { Vertex } from '../graph.ts'
import type { CopyOp, CopySource } from '../ops/copy.ts'
import { redactUrl } from '../url.ts'
import { addLayer, addLinkedLayer, at, createVertex, expandToken, type StageState } from './stage-state.ts'
import { absolutePath } from './workdir.ts'

/** COPY: from the build context, or from a stage or an image. */
export async function planCopy(stage: StageState, instruction: CopyInstruction): Promise<void> {
  const { context } = stage
  const paths = instruction.sources.map((source) => localPath(stage, source))
  const from = instruction.from?.text
    ? await context.source(instruction.from.text, { stage, span: instruction.from.span })
    : context.contextVertex
  const named: CopySource[] = paths.length > 0 ? [{ input: 1, paths }] : []
  const unpack = { local: false, downloads: false }
  finish(stage, instruction, { keyword: 'COPY', shown: paths, sources: named, inputs: [from], unpack })
}

function localPath(stage: StageState, source: Token): string {
  const text = expandToken(stage, source)
  const what = isGit(text, source) ? 'a git ref' : isHttp(text) ? 'a URL' : undefined
  if (what === undefined) return text
  throw fail('DOCKERFILE_INVALID', `source can't be ${what} for COPY`, { span: source.span, hint: 'ADD takes it.' })
}

/** ADD: as COPY; local archives are unpacked, URLs are fetched, and of git repositories the files. */
export function planAdd(stage: StageState, instruction: AddInstruction): void {
  const inputs: Vertex[] = [stage.context.contextVertex]
  const shown: string[] = []
  checkChecksum(stage, instruction)
  const sources = instruction.sources.map((token): CopySource => {
    const text = expandToken(stage, token)
    shown.push(redactUrl(text))
    const isRepository = isGit(text, token)
    if (!isRepository && !isHttp(text)) return { input: 1, paths: [text] }
    const plan = isRepository ? gitVertex : httpVertex
    inputs.push(plan(stage, instruction, text, token))
    return isRepository ? { remote: inputs.length } : { download: inputs.length }
  })
  const unpack = { local: instruction.unpack ?? true, downloads: instruction.unpack ?? false }
  finish(stage, instruction, { keyword: 'ADD', shown, sources, inputs, unpack })
}

interface Parts {
  keyword: string
  /** Sources as the history shows them. */
  shown: string[]
  sources: CopySource[]
  inputs: Vertex[]
  unpack: CopyOp['unpack']
}

function finish(stage: StageState, instruction: CopyInstruction | AddInstruction, parts: Parts): void {
  const { chown, chmod } = instruction
  const owner = chown ? expandToken(stage, chown) : null
  const mode = chmod ? expandToken(stage, chmod) : null
  if (chmod) at(chmod.span, () => parseModeChange(mode!))
  const written = expandToken(stage, instruction.destination)
  const files = instruction.files.map((file) => inlineFile(stage, file))
  const parents = instruction.kind === 'copy' && instruction.parents
  // BuildKit (dockerfile2llb, dispatchCopy) copies as usual when there is --chmod
  const isLinked = instruction.link && mode === null
  const op: CopyOp = {
    kind: 'copy',
    sources: [...parts.sources, ...files],
    dest: destination(stage, written),
    owner,
    mode,
    unpack: parts.unpack,
    excludes: excludesOf(stage, instruction),
    parents,
    // what does not depend on the base must not show when the base was made
    time: isLinked ? 0 : stage.time,
  }
  const flags = [
    ...(parents ? ['--parents'] : []),
    ...(owner === null ? [] : [`--chown=${owner}`]),
    ...(mode === null ? [] : [`--chmod=${mode}`]),
  ]
  const shown = [...parts.shown, ...instruction.files.map((file) => `<<${file.path.text}`)]
  const createdBy = [parts.keyword, ...flags, ...shown, written, '# buildkit'].join(' ')
  const add = isLinked ? addLinkedLayer : addLayer
  add(stage, { instruction, op, inputs: parts.inputs, createdBy })
}

function excludesOf(stage: StageState, { excludes }: CopyInstruction | AddInstruction): string[] {
  return excludes.map((token) => {
    const pattern = expandToken(stage, token)
    at(token.span, () => createExclusion([pattern]))
    return pattern
  })
}

/** A slash at the end, a dot or nothing says that the destination is a folder. */
function destination(stage: StageState, written: string): string {
  const dest = absolutePath(stage, written)
  const isFolder = written === '' || written === '.' || written.endsWith('/') || written.endsWith('/.')
  return isFolder && dest !== '/' ? `${dest}/` : dest
}

function inlineFile(stage: StageState, file: InlineFile): CopySource {
  const name = path.posix.basename(expandToken(stage, file.path))
  const text = file.expand ? at(file.path.span, () => expandRaw(file.content, stage.env).text) : file.content
  return { name, text }
}

const isHttp = (source: string): boolean => /^https?:\/\//i.test(source)

/** `github.com/...` is a path here, as with Docker. */
function isGit(source: string, token: Token): boolean {
  const reference = at(token.span, () => parseGitUrl(source))
  return reference !== undefined && !reference.mayBeLocal
}

/** BuildKit's words (dockerfile2llb: dispatchCopy). */
function checkChecksum(stage: StageState, { checksum, sources }: AddInstruction): void {
  if (!checksum) return
  const { span } = checksum
  if (sources.length > 1) {
    throw fail('DOCKERFILE_INVALID', "checksum can't be specified for multiple sources", { span })
  }
  const [source] = sources
  const text = source ? expandToken(stage, source) : ''
  if (source && (isHttp(text) || isGit(text, source))) return
  throw fail('DOCKERFILE_INVALID', 'checksum requires HTTP(S) or Git sources', { span })
}

function httpVertex(stage: StageState, instruction: AddInstruction, url: string, token: Token): Vertex {
  const checksum = checksumOf(stage, instruction) ?? stage.context.sources.pins?.http(url, token.span) ?? null
  if (checksum !== null && !/^sha256:[a-f0-9]{64}$/.test(checksum)) {
    throw fail('DIGEST_INVALID', `invalid checksum ${checksum}: only sha256:... is supported`, {
      span: instruction.checksum!.span,
    })
  }
  return createVertex({ kind: 'http', url, checksum }, [], { label: redactUrl(url), span: token.span })
}

function gitVertex(stage: StageState, instruction: AddInstruction, url: string, token: Token): Vertex {
  const checksum = checksumOf(stage, instruction)
  const pin = isCommit(checksum ?? '') ? undefined : stage.context.sources.pins?.git(url, token.span)
  const op = {
    kind: 'git',
    url,
    checksum,
    keepGitDir: instruction.keepGitDir ?? false,
    ...(pin === undefined ? {} : { commit: pin }),
  } as const
  return createVertex(op, [], { label: redactUrl(url), span: token.span })
}

function checksumOf(stage: StageState, { checksum }: AddInstruction): string | null {
  return checksum ? expandToken(stage, checksum) : null
}
