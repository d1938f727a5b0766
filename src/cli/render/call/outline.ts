import type { Outline, OutlineArg, OutlineNeed } from '../../../engine/index.ts'
import { goJson } from '../../../oci/index.ts'
import { alignColumns } from '../columns.ts'
import { escapeName } from '../escape.ts'
import { type Answer, base64Of, locationOf } from './answer.ts'

/** What a build can be given, as `docker buildx build --call=outline` prints it. */
export function renderOutline(outline: Outline, format: 'text' | 'json'): Answer {
  if (format === 'json') return { out: `${goJson(documentOf(outline), 2)}\n`, code: 0 }
  const args = outline.args.map(({ name, value, description = '' }) => [name, value, description])
  const out = [
    table(headOf(outline), 1),
    table(args.length > 0 ? [['BUILD ARG', 'VALUE', 'DESCRIPTION'], ...args] : [], 3),
    table(needs('SECRET', outline.secrets), 3),
    table(needs('SSH', outline.ssh), 3),
  ]
  return { out: out.join(''), code: 0 }
}

function headOf({ name, description }: Outline): string[][] {
  if (name === undefined && description === undefined) return []
  const described = description === undefined ? [] : [['DESCRIPTION:', description]]
  return [['TARGET:', name ?? '(default)'], ...described]
}

function needs(title: string, list: readonly OutlineNeed[]): string[][] {
  if (list.length === 0) return []
  return [[title, 'REQUIRED'], ...list.map(({ name, required }) => [name, required ? 'true' : ''])]
}

/** Rows with an empty line after them; nothing for none. */
function table(rows: readonly (readonly string[])[], padding: number): string {
  if (rows.length === 0) return ''
  const lines = rows.map((cells) => cells.map(escapeName).join('\t'))
  return `${alignColumns(lines.join('\n'), { minimum: 0, padding })}\n\n`
}

function documentOf({ name, description, args, secrets, ssh, source }: Outline): object {
  return {
    ...(name === undefined ? {} : { name }),
    ...(description ? { description } : {}),
    ...(args.length > 0 ? { args: args.map(argDocument) } : {}),
    ...(secrets.length > 0 ? { secrets: secrets.map(needDocument) } : {}),
    ...(ssh.length > 0 ? { ssh: ssh.map(needDocument) } : {}),
    sources: [base64Of(source)],
  }
}

function argDocument({ name, description, value, span }: OutlineArg): object {
  return {
    name,
    ...(description ? { description } : {}),
    ...(value === '' ? {} : { value }),
    location: locationOf(span),
  }
}

function needDocument({ name, required, span }: OutlineNeed): object {
  return { name, ...(required ? { required } : {}), location: locationOf(span) }
}
