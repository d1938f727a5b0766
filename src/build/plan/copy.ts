import path from 'node:path'
import { fail } from '../../core/index.ts'
import {
  type AddInstruction,
  type CopyInstruction,
  expandRaw,
  type InlineFile,
  type Token,
} from '../../dockerfile/index.ts'
import { parseModeChange } from '../files/mode.ts'
import type { Vertex } from '../graph.ts'
import type { CopyOp, CopySource } from '../ops/copy.ts'
import { redactUrl } from '../url.ts'
import { addLayer, at, createVertex, expandToken, type StageState, stepPrefix } from './stage-state.ts'
import { absolutePath } from './workdir.ts'

/** COPY: from the build context, or from a stage or an image. */
export async function planCopy(stage: StageState, instruction: CopyInstruction): Promise<void> {
  refuseUnknown(instruction, instruction.parents ? '--parents' : undefined)
  const { context } = stage
  const from = instruction.from
    ? await context.source(instruction.from.text, instruction.from.span)
    : context.contextVertex
  const paths = instruction.sources.map((source) => expandToken(stage, source))
  const named: CopySource[] = paths.length > 0 ? [{ input: 1, paths }] : []
  finish(stage, instruction, { keyword: 'COPY', shown: paths, sources: named, inputs: [from], unpack: false })
}

/** ADD: as COPY; local archives are unpacked, and URLs are fetched. */
export function planAdd(stage: StageState, instruction: AddInstruction): void {
  refuseUnknown(instruction, undefined)
  const inputs: Vertex[] = [stage.context.contextVertex]
  const shown: string[] = []
  const sources = instruction.sources.map((token): CopySource => {
    const text = expandToken(stage, token)
    shown.push(redactUrl(text))
    if (!isRemote(text)) return { input: 1, paths: [text] }
    inputs.push(httpVertex(stage, instruction, text, token))
    return { download: inputs.length }
  })
  const isLocal = instruction.sources.some((token) => !isRemote(expandToken(stage, token)))
  const unpack = instruction.unpack ?? isLocal
  finish(stage, instruction, { keyword: 'ADD', shown, sources, inputs, unpack })
}

interface Parts {
  keyword: string
  /** Sources as the history shows them. */
  shown: string[]
  sources: CopySource[]
  inputs: Vertex[]
  unpack: boolean
}

function finish(stage: StageState, instruction: CopyInstruction | AddInstruction, parts: Parts): void {
  const { chown, chmod } = instruction
  const owner = chown ? expandToken(stage, chown) : null
  const mode = chmod ? expandToken(stage, chmod) : null
  if (chmod) at(chmod.span, () => parseModeChange(mode!))
  const written = expandToken(stage, instruction.destination)
  const files = instruction.files.map((file) => inlineFile(stage, file))
  const op: CopyOp = {
    kind: 'copy',
    sources: [...parts.sources, ...files],
    dest: destination(stage, written),
    owner,
    mode,
    unpack: parts.unpack,
    time: stage.time,
  }
  const flags = [...(owner === null ? [] : [`--chown=${owner}`]), ...(mode === null ? [] : [`--chmod=${mode}`])]
  const shown = [...parts.shown, ...instruction.files.map((file) => `<<${file.path.text}`)]
  const createdBy = [parts.keyword, ...flags, ...shown, written, '# buildkit'].join(' ')
  addLayer(stage, { instruction, op, inputs: parts.inputs, createdBy })
}

/** A slash at the end, or a dot, says that the destination is a folder. */
function destination(stage: StageState, written: string): string {
  const dest = absolutePath(stage, written)
  const isFolder = written === '.' || written.endsWith('/') || written.endsWith('/.')
  return isFolder && dest !== '/' ? `${dest}/` : dest
}

function inlineFile(stage: StageState, file: InlineFile): CopySource {
  const name = path.posix.basename(expandToken(stage, file.path))
  const text = file.expand ? at(file.path.span, () => expandRaw(file.content, stage.env).text) : file.content
  return { name, text }
}

const isRemote = (source: string): boolean => /^https?:\/\//i.test(source)

function httpVertex(stage: StageState, instruction: AddInstruction, url: string, token: Token): Vertex {
  const checksum = instruction.checksum
    ? expandToken(stage, instruction.checksum)
    : (stage.context.sources.pins?.http(url, token.span) ?? null)
  if (checksum !== null && !/^sha256:[a-f0-9]{64}$/.test(checksum)) {
    throw fail('DIGEST_INVALID', `invalid checksum ${checksum}: only sha256:... is supported`, { span: token.span })
  }
  const shown = redactUrl(url)
  const label = `${stepPrefix(stage, stage.stepNumber + 1)} ${shown}`.replace(/^\[.*?\] /, '')
  return createVertex({ kind: 'http', url, checksum }, [], { label, span: token.span })
}

function refuseUnknown(instruction: CopyInstruction | AddInstruction, flag: string | undefined): void {
  const found = flag ?? (instruction.excludes.length > 0 ? '--exclude' : undefined)
  const git = instruction.sources.find((token) => /^(git@|git:\/\/|ssh:\/\/)|\.git(#.*)?$/.test(token.text))
  if (instruction.kind === 'add' && git && /^(git@|git:|ssh:|https?:)/.test(git.text)) {
    throw fail('BUILD_UNSUPPORTED', 'ADD from a git repository is not supported yet', { span: git.span })
  }
  if (!found) return
  const name = instruction.kind.toUpperCase()
  throw fail('BUILD_UNSUPPORTED', `${name} ${found} is not supported yet`, { span: instruction.node.span })
}
