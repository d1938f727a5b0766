import { statSync } from 'node:fs'
import path from 'node:path'
import { fail, notGoBool, parseGoBool } from '../../core/index.ts'
import type { Annotation, Output } from '../../engine/index.ts'
import type { CommandIo } from '../io.ts'
import { annotationAttribute } from './annotations.ts'
import { parseFields } from './fields.ts'

/** What the flags say of outputs, beside `--output` itself. */
export interface OutputFlags {
  load: boolean
  push: boolean
  /** Names of the image; they go before those of an output. */
  tag: readonly string[]
  annotations: readonly Annotation[]
  /** Entitlements: `buildx.local.delete` allows to empty any folder. */
  allow: readonly string[]
}

type Attributes = ReadonlyMap<string, string>

/** The outputs that `-o`, `--load` and `--push` ask for. Fails with `OUTPUT_INVALID` and the like, in buildx's words. */
export function outputsOf(texts: readonly string[], flags: OutputFlags, io: CommandIo): Output[] {
  const outputs = texts.filter((text) => text !== '').map((text) => parseOutput(text, flags, io))
  if (outputs.filter((output) => 'dest' in output && typeof output.dest === 'function').length > 1) {
    throw fail('OUTPUT_INVALID', 'multiple outputs configured to write to stdout')
  }
  const hasImage = outputs.some(({ type }) => type === 'image')
  const needsImage = outputs.length === 0 || ((flags.load || flags.push) && !hasImage)
  return needsImage ? [...outputs, imageOutput('image', new Map(), flags)] : outputs
}

function parseOutput(text: string, flags: OutputFlags, io: CommandIo): Output {
  const { type, attributes } = readOutput(text)
  switch (type) {
    case 'registry':
      return imageOutput('image', new Map([...attributes, ['push', 'true']]), flags)
    case 'image':
      return imageOutput(type, attributes, flags)
    case 'oci':
    case 'docker':
      return archiveOutput(type, attributes, flags, io)
    case 'local':
      return { type, ...filesOptions(attributes), ...folderOf(attributes, flags) }
    case 'tar':
      return { type, ...filesOptions(attributes), dest: fileOf(type, attributes, io) }
    case 'cacheonly':
      return { type }
    default:
      throw fail('OUTPUT_INVALID', `failed to solve: exporter "${type}" could not be found`, {
        hint: 'There are image, registry, oci, docker, local, tar and cacheonly.',
      })
  }
}

/** A path alone is a folder, `-` a tar on standard output; else `type=...` and more pairs. */
function readOutput(text: string): { type: string; attributes: Attributes } {
  const fields = parseFields(text, (problem) => fail('OUTPUT_INVALID', problem))
  if (fields.length === 1 && fields[0]!.text === text && !text.startsWith('type=')) {
    return { type: text === '-' ? 'tar' : 'local', attributes: new Map([['dest', text]]) }
  }
  const attributes = new Map<string, string>()
  for (const { text, key, value } of fields) {
    if (value === undefined) throw fail('OUTPUT_INVALID', `invalid value ${text}`)
    attributes.set(key.startsWith('annotation') ? key : key.toLowerCase(), value)
  }
  const type = attributes.get('type')
  if (!type) throw fail('OUTPUT_INVALID', 'type is required for output')
  return { type, attributes }
}

/** What all outputs take that hold an image. */
function packOptions(attributes: Attributes, { tag, annotations }: OutputFlags): Omit<ImageOutput, 'type'> {
  const own = [...attributes].flatMap(([key, value]) => annotationAttribute(key, value) ?? [])
  const names = tag.length > 0 ? tag : (attributes.get('name') ?? '').split(',').filter((name) => name !== '')
  const ociTypes = flag(attributes, 'oci-mediatypes')
  const rewrite = flag(attributes, 'rewrite-timestamp')
  return {
    ...(names.length > 0 ? { names } : {}),
    ...(ociTypes === undefined ? {} : { mediaTypes: ociTypes ? 'oci' : 'docker' }),
    ...(rewrite === undefined ? {} : { rewriteTimestamp: rewrite }),
    ...epochAttribute(attributes),
    annotations: [...annotations, ...own],
  }
}

type ImageOutput = Extract<Output, { type: 'image' }>

function imageOutput(type: 'image', attributes: Attributes, flags: OutputFlags): Output {
  const byDigest = isTrue(attributes, 'push-by-digest')
  const push = flags.push || byDigest || isTrue(attributes, 'push')
  return {
    ...{ type, ...packOptions(attributes, flags) },
    ...compressionOf(attributes, push ? 'gzip' : 'uncompressed'),
    ...(push ? { push: byDigest ? 'by-digest' : 'by-name' } : {}),
  }
}

/** Compressed, as BuildKit does. `docker` without a file is the store. */
function archiveOutput(type: 'oci' | 'docker', attributes: Attributes, flags: OutputFlags, io: CommandIo): Output {
  const asFolder = flag(attributes, 'tar') === false
  if (type === 'docker' && !attributes.get('dest') && !asFolder) return imageOutput('image', attributes, flags)
  const dest = asFolder ? folderPath(type, attributes) : fileOf(type, attributes, io)
  const mediaTypes = { mediaTypes: type } as const
  return {
    type,
    dest,
    ...(asFolder ? { asFolder } : {}),
    ...mediaTypes,
    ...packOptions(attributes, flags),
    ...compressionOf(attributes, 'gzip'),
  }
}

const LEVELS = { gzip: [0, 9], zstd: [1, 22] } as const

function compressionOf(attributes: Attributes, usual: 'uncompressed' | 'gzip'): Pick<ImageOutput, 'compression'> {
  const text = attributes.get('compression-level')
  if (text !== undefined && !/^[+-]?\d{1,9}$/.test(text)) {
    const problem = `strconv.ParseInt: parsing "${text}": invalid syntax`
    throw fail(
      'OUTPUT_INVALID',
      `failed to solve: non-integer value ${text} specified for compression-level: ${problem}`,
    )
  }
  const algorithm = attributes.get('compression') || usual
  if (algorithm === 'estargz') {
    throw fail('OUTPUT_UNSUPPORTED', 'failed to solve: compression type estargz is not supported', {
      hint: 'Use gzip or zstd.',
    })
  }
  if (algorithm !== 'uncompressed' && algorithm !== 'gzip' && algorithm !== 'zstd') {
    throw fail('OUTPUT_INVALID', `failed to solve: unsupported compression type ${algorithm}`)
  }
  const force = isTrue(attributes, 'force-compression')
  if (algorithm === 'uncompressed' || text === undefined) return { compression: { algorithm, force } }
  const [lowest, highest] = LEVELS[algorithm]
  const level = Math.min(Math.max(Number(text), lowest), highest)
  return { compression: { algorithm, level, force } }
}

function filesOptions(attributes: Attributes): Omit<Extract<Output, { type: 'tar' }>, 'type' | 'dest'> {
  const platformSplit = flag(attributes, 'platform-split')
  const attestationPrefix = attributes.get('attestation-prefix')
  return {
    ...(platformSplit === undefined ? {} : { platformSplit }),
    ...(attestationPrefix === undefined ? {} : { attestationPrefix }),
    ...epochAttribute(attributes),
  }
}

/** An empty one says that the build's does not count. */
function epochAttribute(attributes: Attributes): { epoch?: number | null } {
  const text = attributes.get('source-date-epoch')
  if (text === undefined) return {}
  if (text === '') return { epoch: null }
  if (!/^\d{1,12}$/.test(text)) throw fail('EPOCH_INVALID', `invalid SOURCE_DATE_EPOCH: ${text}`)
  return { epoch: Number(text) }
}

function folderOf(attributes: Attributes, { allow }: OutputFlags): { dest: string; mode: 'copy' | 'delete' } {
  const dest = folderPath('local', attributes)
  const mode = attributes.get('mode') || 'copy'
  if (mode !== 'copy' && mode !== 'delete') {
    throw fail('OUTPUT_INVALID', `failed to solve: invalid mode "${mode}" for local exporter: use copy or delete`)
  }
  const isBelow = !path.relative(process.cwd(), path.resolve(dest)).match(/^(\.\.(\/|$)|$)/)
  if (mode === 'delete' && !isBelow && !allow.includes('buildx.local.delete')) {
    throw fail('OUTPUT_INVALID', `output ${dest} with mode=delete is not below the current directory`, {
      hint: 'Allow it with --allow buildx.local.delete: everything else in that folder is removed.',
    })
  }
  return { dest, mode }
}

function folderPath(type: string, attributes: Attributes): string {
  const dest = attributes.get('dest') ?? ''
  if (dest === '') throw fail('OUTPUT_INVALID', `dest is required for ${type} exporter`)
  if (dest === '-') throw fail('OUTPUT_INVALID', `dest cannot be stdout for ${type} exporter`)
  const there = statSync(dest, { throwIfNoEntry: false })
  if (there && !there.isDirectory()) throw fail('OUTPUT_INVALID', `destination directory ${dest} is a file`)
  return dest
}

/** A file, or standard output when there is none or it is `-`. */
function fileOf(type: string, attributes: Attributes, io: CommandIo): Extract<Output, { type: 'tar' }>['dest'] {
  const dest = attributes.get('dest') || '-'
  if (dest === '-') {
    if (io.stdout.terminal().isTerminal) {
      throw fail('OUTPUT_INVALID', `dest file is required for ${type} exporter. refusing to write to console`)
    }
    return async (bytes) => {
      for await (const chunk of bytes) await io.stdout.write(chunk)
    }
  }
  if (statSync(dest, { throwIfNoEntry: false })?.isDirectory()) {
    throw fail('OUTPUT_INVALID', `destination file ${dest} is a directory`)
  }
  if (!statSync(path.dirname(dest), { throwIfNoEntry: false })) {
    throw fail('OUTPUT_INVALID', `failed to open open ${dest}: no such file or directory`)
  }
  return dest
}

function flag(attributes: Attributes, name: string): boolean | undefined {
  const text = attributes.get(name)
  if (text === undefined) return undefined
  const truth = text === '' || parseGoBool(text)
  if (truth !== undefined) return truth
  const value = name === 'force-compression' ? `${text} ` : ''
  throw fail('OUTPUT_INVALID', `failed to solve: non-bool value ${value}specified for ${name}: ${notGoBool(text)}`)
}

const isTrue = (attributes: Attributes, name: string): boolean => flag(attributes, name) ?? false
