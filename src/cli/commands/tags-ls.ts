import { familiarReference, parseReference } from '../../oci/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { LIST_FORMAT } from '../format-flag.ts'
import { escapeMessage } from '../render/escape.ts'
import { jobOf, withEngine } from '../session.ts'
import { renderList } from '../template/index.ts'

const FORMATS = {
  typeName: '*formatter.tagContext',
  headers: { Repository: 'REPOSITORY', Tag: 'TAG', Name: 'NAME' },
  named: { table: 'table {{.Repository}}\t{{.Tag}}' },
}

/** `slipway tags ls`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] REPOSITORY',
  description: 'List the tags of a repository in a registry, one a line',
  operands: { min: 1, max: 1 },
  flags: {
    format: LIST_FORMAT,
    insecure: { kind: 'bool', about: 'Allow communication with an insecure registry' },
    limit: { kind: 'int', min: 0, about: 'Show at most so many tags' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const { insecure, limit } = flags
      const tags = await engine.registries.tags({ repository: args[0]!, insecure }, jobOf(context))
      const repository = familiarReference(parseReference(args[0]!))
      const rows = tags.slice(0, limit).map((text) => {
        const tag = escapeMessage(text)
        return { Repository: repository, Tag: tag, Name: `${repository}:${tag}` }
      })
      await io.stdout.write(renderList(flags.format === '' ? '{{.Tag}}' : flags.format, FORMATS, rows))
      return 0
    }),
})
