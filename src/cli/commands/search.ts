import { fail, parseGoBool } from '../../core/index.ts'
import type { SearchRequest } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { LIST_FORMAT } from '../format-flag.ts'
import { escapeMessage } from '../render/escape.ts'
import { filtersOf, jobOf, withEngine } from '../session.ts'
import { renderList } from '../template/index.ts'

const FORMATS = {
  typeName: '*search.searchContext',
  headers: {
    Name: 'NAME',
    Description: 'DESCRIPTION',
    StarCount: 'STARS',
    IsOfficial: 'OFFICIAL',
    IsAutomated: 'AUTOMATED',
  },
  named: { table: 'table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}' },
}

const LONGEST = 45

function shorten(text: string): string {
  const characters = [...text]
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST - 1).join('')}…` : text
}

/** The wishes of `--filter`. Fails with `FILTER_INVALID`, in Docker's words. */
function wishesOf(pairs: readonly string[]): Pick<SearchRequest, 'stars' | 'isOfficial'> {
  const filters = filtersOf(pairs)
  const unknown = Object.keys(filters).find((name) => !['stars', 'is-official', 'is-automated'].includes(name))
  if (unknown !== undefined) throw fail('FILTER_INVALID', `invalid filter '${unknown}'`)
  const stars = (filters['stars'] ?? []).map((text) => {
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw fail('FILTER_INVALID', `invalid filter 'stars=[${text}]'`)
  })
  const [official, automated] = ['is-official', 'is-automated'].map((name) => truthOf(name, filters[name]))
  // Docker Hub says of none any more that it is automated
  if (automated) throw fail('FILTER_INVALID', "the filter 'is-automated' finds nothing: Docker Hub gave it up")
  return {
    ...(stars.length > 0 ? { stars: Math.max(...stars) } : {}),
    ...(official === undefined ? {} : { isOfficial: official }),
  }
}

function truthOf(name: string, texts: readonly string[] | undefined): boolean | undefined {
  const text = texts?.[0]
  if (text === undefined) return undefined
  const truth = parseGoBool(text)
  if (truth === undefined) throw fail('FILTER_INVALID', `invalid filter '${name}=[${text}]'`)
  return truth
}

/** `slipway search`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] TERM',
  description: 'Search Docker Hub for images; HOST/TERM searches the repositories of another registry',
  operands: { min: 1, max: 1 },
  flags: {
    filter: { kind: 'list', short: 'f', placeholder: 'filter', about: 'Filter output based on conditions provided' },
    format: LIST_FORMAT,
    insecure: { kind: 'bool', about: 'Allow communication with an insecure registry' },
    limit: { kind: 'int', default: 0, about: 'Max number of search results' },
    'no-trunc': { kind: 'bool', about: "Don't truncate output" },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const { insecure, limit } = flags
      const request: SearchRequest = {
        term: args[0]!,
        insecure,
        ...wishesOf(flags.filter),
        ...(limit === 0 ? {} : { limit }),
      }
      const found = await engine.registries.search(request, jobOf(context))
      const rows = found.map(({ name, description, stars, isOfficial }) => {
        const text = escapeMessage(description)
        return {
          Name: escapeMessage(name),
          Description: flags['no-trunc'] ? text : shorten(text),
          StarCount: String(stars),
          IsOfficial: isOfficial ? '[OK]' : '',
          IsAutomated: '',
        }
      })
      await io.stdout.write(renderList(flags.format, FORMATS, rows))
      return 0
    }),
})
