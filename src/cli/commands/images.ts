import type { ImageSummary } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { LIST_FORMAT } from '../format-flag.ts'
import { humanAge } from '../render/durations.ts'
import { escapeName } from '../render/escape.ts'
import { humanSize } from '../render/sizes.ts'
import { goTime } from '../render/times.ts'
import { filtersOf, withEngine } from '../session.ts'
import { type ListFormats, type Row, renderList } from '../template/index.ts'

const HEADERS = {
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  Containers: 'CONTAINERS',
  VirtualSize: 'SIZE',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
}

function formats(options: { quiet: boolean; digests: boolean }): ListFormats {
  const digest = options.digests ? '{{.Digest}}\t' : ''
  const table = options.quiet
    ? '{{.ID}}'
    : `table {{.Repository}}\t{{.Tag}}\t${digest}{{.ID}}\t{{if .CreatedSince }}{{.CreatedSince}}{{else}}N/A{{end}}\t{{.Size}}`
  return { typeName: '*formatter.imageContext', headers: HEADERS, named: { table } }
}

/** One line per name; an image without any has one line of its own. */
function rowsOf(image: ImageSummary, options: { digests: boolean; truncate: boolean; now: Date }): Row[] {
  const digestOf = new Map(image.digests.map((name) => splitDigest(name)))
  const lines = image.tags.map((name) => {
    const [repository, tag] = splitTag(name)
    return { repository, tag, digest: digestOf.get(repository) ?? '<none>' }
  })
  for (const [repository, digest] of options.digests || lines.length === 0 ? digestOf : []) {
    if (!lines.some((line) => line.repository === repository)) lines.push({ repository, tag: '<none>', digest })
  }
  if (lines.length === 0) lines.push({ repository: '<none>', tag: '<none>', digest: '<none>' })
  return lines.map((line) => row(image, line, options))
}

function row(
  image: ImageSummary,
  line: { repository: string; tag: string; digest: string },
  { truncate, now }: { truncate: boolean; now: Date },
): Row {
  const size = humanSize(image.bytes, 3)
  return {
    ID: truncate ? image.id.slice(7, 19) : image.id,
    Repository: escapeName(line.repository),
    Tag: escapeName(line.tag),
    Digest: line.digest,
    CreatedSince: image.created ? humanAge(image.created, now) : '',
    CreatedAt: image.created ? goTime(image.created) : '',
    Size: size,
    VirtualSize: size,
    SharedSize: 'N/A',
    UniqueSize: 'N/A',
    Containers: String(image.containers),
  }
}

function splitTag(name: string): [string, string] {
  const cut = name.lastIndexOf(':')
  return [name.slice(0, cut), name.slice(cut + 1)]
}

function splitDigest(name: string): [string, string] {
  const cut = name.indexOf('@')
  return [name.slice(0, cut), name.slice(cut + 1)]
}

/** `slipway images`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  operands: { min: 0, max: 1, completes: 'image' },
  flags: {
    all: { kind: 'bool', short: 'a', about: 'Show all images (default hides intermediate images)' },
    digests: { kind: 'bool', about: 'Show digests' },
    filter: { kind: 'list', short: 'f', placeholder: 'filter', about: 'Filter output based on conditions provided' },
    format: LIST_FORMAT,
    'no-trunc': { kind: 'bool', about: "Don't truncate output" },
    quiet: { kind: 'bool', short: 'q', about: 'Only show image IDs' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const filters = filtersOf([...flags.filter, ...args.map((name) => `reference=${name}`)])
      const options = { digests: flags.digests, truncate: !flags['no-trunc'], now: new Date() }
      const rows = engine.images.list(filters).flatMap((image) => rowsOf(image, options))
      const unique = flags.quiet ? [...new Map(rows.map((each) => [each['ID'], each])).values()] : rows
      await io.stdout.write(renderList(flags.format, formats(flags), unique))
      return 0
    }),
})
