import { type ImageRef, type Line, plain, refersTo } from './line.ts'
import { hereDocument } from './run.ts'
import { jsonList, word } from './words.ts'

/** How files are placed. */
export interface PlaceOptions {
  /** `user[:group]`, by name or number. */
  chown?: string
  /** Octal or symbolic: `755`, `u=rwX,go=rX`. */
  chmod?: string
  /** A layer that does not depend on what lies below. */
  link?: boolean
  /** Patterns of files to leave out. */
  exclude?: readonly string[]
}

/** How COPY places files. */
export interface CopyOptions extends PlaceOptions {
  /** Keeps the folders that sources lie in. */
  parents?: boolean
}

/** How ADD fetches and places files. */
export interface AddOptions extends PlaceOptions {
  /** `sha256:...` of a download, or the commit of a repository. */
  checksum?: string
  /** Whether archives are unpacked. */
  unpack?: boolean
  keepGitDir?: boolean
}

/** COPY from the build context, or from another image. */
export function copyLine(
  sources: string | readonly string[],
  dest: string,
  options: CopyOptions & { from?: ImageRef } = {},
): Line {
  const from = refersTo(options.from)
  const flags = [...placeFlags(options), ...(options.parents ? ['--parents'] : [])]
  const paths = pathList(sources, dest)
  return {
    uses: from.uses,
    write(nameOf) {
      const name = from.name(nameOf)
      return ['COPY', ...(name === '' ? [] : [`--from=${name}`]), ...flags, paths].join(' ')
    },
  }
}

/** ADD: archives, URLs and repositories. */
export function addLine(sources: string | readonly string[], dest: string, options: AddOptions = {}): Line {
  const { checksum, unpack, keepGitDir } = options
  const flags = [
    ...placeFlags(options),
    ...(checksum === undefined ? [] : [`--checksum=${word(checksum)}`]),
    ...(unpack === undefined ? [] : [`--unpack=${unpack}`]),
    ...(keepGitDir ? ['--keep-git-dir'] : []),
  ]
  return plain(['ADD', ...flags, pathList(sources, dest)].join(' '))
}

/** A file that is written in the definition itself; its text is taken as it is. */
export function fileLine(path: string, text: string, options: PlaceOptions = {}): Line {
  return plain(['COPY', ...placeFlags(options), hereDocument(text, word(path))].join(' '))
}

function placeFlags({ chown, chmod, link, exclude = [] }: PlaceOptions): string[] {
  return [
    ...(chown === undefined ? [] : [`--chown=${word(chown)}`]),
    ...(chmod === undefined ? [] : [`--chmod=${word(chmod)}`]),
    ...(link ? ['--link'] : []),
    ...exclude.map((pattern) => `--exclude=${word(pattern)}`),
  ]
}

/** Words where they are plain, else JSON: a path with a space is no two words then. */
function pathList(sources: string | readonly string[], dest: string): string {
  const all = [...(typeof sources === 'string' ? [sources] : sources), dest]
  return all.every((path) => word(path) === path && !path.startsWith('[')) ? all.join(' ') : jsonList(all)
}
