import { statSync } from 'node:fs'
import path from 'node:path'
import { fail } from '../../core/index.ts'
import type { AgentSource, Agents, SecretSource, Secrets } from '../../engine/index.ts'
import { parseFields } from './fields.ts'

const LARGEST = 500 << 10

/** `--secret id=NAME[,src=FILE|,env=VARIABLE][,type=file|env]`, as buildx reads it, by id. */
export function parseSecrets(texts: readonly string[], env: NodeJS.ProcessEnv): Secrets {
  const secrets: Record<string, SecretSource> = {}
  for (const text of texts.filter((each) => each !== '')) {
    const { id = '', source, variable } = fieldsOf(text)
    if (id === '') throw fail('USAGE_INVALID', 'secret missing ID')
    const isGiven = source !== undefined || variable !== undefined
    const name = variable ?? (!isGiven && env[id] !== undefined ? id : undefined)
    if (name === undefined) secrets[id] = { file: checkedFile(id, source ?? id) }
    else if (env[name] !== undefined) secrets[id] = { value: env[name] }
  }
  return secrets
}

interface SecretFields {
  id?: string
  source?: string
  variable?: string
}

function fieldsOf(text: string): SecretFields {
  const fields: SecretFields = {}
  let type = ''
  const asWritten = parseFields(text, (problem) => fail('USAGE_INVALID', `failed to parse csv secret: ${problem}`))
  for (const { text: field, key: name, value } of asWritten) {
    if (value === undefined) throw fail('USAGE_INVALID', `invalid field '${field}' must be a key=value pair`)
    const key = name.toLowerCase()
    if (key === 'type') type = checkedType(value)
    else if (key === 'id') fields.id = value
    else if (key === 'source' || key === 'src') fields.source = value
    else if (key === 'env') fields.variable = value
    else throw fail('USAGE_INVALID', `unexpected key '${key}' in '${field}'`)
  }
  if (type !== 'env' || fields.variable !== undefined || fields.source === undefined) return fields
  const { source, ...rest } = fields
  return { ...rest, variable: source }
}

function checkedType(type: string): string {
  if (type === 'file' || type === 'env') return type
  throw fail('USAGE_INVALID', `unsupported secret type ${JSON.stringify(type)}`)
}

function checkedFile(id: string, file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat) throw fail('USAGE_INVALID', `failed to stat ${file}: stat ${file}: no such file or directory`)
  if (stat.size > LARGEST) throw fail('USAGE_INVALID', `secret ${id} too big. max size 500KiB`)
  return path.resolve(file)
}

/** `--ssh default|ID[=SOCKET|KEY,...]`, by id; `SSH_AUTH_SOCK` says where the agent is when nothing else does. */
export function parseAgents(texts: readonly string[], env: NodeJS.ProcessEnv): Agents {
  return Object.fromEntries(texts.map((text) => agentOf(text, env)))
}

function agentOf(text: string, env: NodeJS.ProcessEnv): [string, AgentSource] {
  const cut = text.indexOf('=')
  const id = (cut < 0 ? text : text.slice(0, cut)) || 'default'
  const given = cut < 0 ? [] : text.slice(cut + 1).split(',')
  const wrong = (problem: string): Error =>
    fail('USAGE_INVALID', `failed to convert agent config {${id} [${given.join(' ')}] false}: ${problem}`)
  const paths = given.some((each) => each !== '') ? given : [env['SSH_AUTH_SOCK'] ?? '']
  if (paths[0] === '') throw wrong('invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set')
  const stats = paths.map((file) => ({ file: path.resolve(file), stat: statSync(file, { throwIfNoEntry: false }) }))
  const missing = stats.findIndex(({ stat }) => !stat)
  if (missing >= 0) {
    throw wrong(`failed to convert agent config for ID: "${id}": stat ${paths[missing]}: no such file or directory`)
  }
  if (!stats.some(({ stat }) => stat!.isSocket())) return [id, { keys: stats.map(({ file }) => file) }]
  if (stats.length > 1) throw wrong(`failed to convert agent config for ID: "${id}": only single socket allowed`)
  return [id, { socket: stats[0]!.file }]
}
