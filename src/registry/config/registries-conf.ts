import { readdirSync } from 'node:fs'
import path from 'node:path'
import * as v from 'valibot'
import { errnoOf, fail } from '../../core/index.ts'
import { type ConfigFile, invalidFile, parseTomlFile, readConfigFile } from './config-file.ts'
import type { Places } from './places.ts'

const flag = v.optional(v.boolean('must be true or false'))
const text = v.optional(v.string('must be a string'))
const texts = v.optional(v.array(v.string('must be a string'), 'must be a list of strings'))
const PULLS = ['', 'all', 'digest-only', 'tag-only'] as const

const LOCATION = {
  location: text,
  insecure: flag,
  'pull-from-mirror': v.optional(v.picklist(PULLS, 'must be "all", "digest-only" or "tag-only"')),
}
const REGISTRY = v.looseObject({
  prefix: text,
  blocked: flag,
  'mirror-by-digest-only': flag,
  mirror: v.optional(v.array(v.looseObject(LOCATION, 'must be a table'), 'must be a list of tables')),
  ...LOCATION,
})
const V1_LIST = v.optional(v.looseObject({ registries: texts }, 'must be a table'))
const REGISTRIES = v.looseObject({
  registry: v.optional(v.array(REGISTRY, 'must be a list of tables')),
  registries: v.optional(v.looseObject({ search: V1_LIST, insecure: V1_LIST, block: V1_LIST }, 'must be a table')),
  'unqualified-search-registries': texts,
  aliases: v.optional(v.record(v.string(), v.string('must be a string'), 'must be a table')),
})

type Document = v.InferOutput<typeof REGISTRIES>
type RegistryTable = v.InferOutput<typeof REGISTRY>

/** Another place for what a registry has. */
export interface RuleMirror {
  readonly location: string
  readonly insecure: boolean
  /** Whether it is only asked for digests. */
  readonly digestOnly: boolean
}

/** One `[[registry]]`: what holds for all names that begin with the prefix. */
export interface RegistryRule {
  /** A host, a host with the beginning of a path, or `*.` and the end of a host. */
  readonly prefix: string
  /** What stands in its place; empty where names stay as they are. */
  readonly location: string
  readonly insecure: boolean
  readonly blocked: boolean
  readonly mirrors: readonly RuleMirror[]
  /** The file that it stands in. */
  readonly file: string
}

/** What registries.conf and its drop-ins say together. */
export interface RegistriesConf {
  readonly rules: readonly RegistryRule[]
  /** Registries that are asked, in this order, for names without one. */
  readonly search: readonly string[]
  /** Whole names of short ones. */
  readonly aliases: ReadonlyMap<string, string>
}

/** More files than anyone has, and more rules than are found in good time. */
const MAX_FILES = 500
const MAX_RULES = 10_000

/**
 * Reads the first registries.conf that is there, and the drop-ins in the order of their names; later ones replace what
 * earlier ones say. Format: containers-registries.conf(5), version 2 and 1. Fails with `REGISTRY_CONFIG_INVALID`.
 */
export function readRegistriesConf(places: Pick<Places, 'registries' | 'registriesDropIns'>): RegistriesConf {
  const main = places.registries.map(readConfigFile).find((file) => file !== undefined)
  const files = [main, ...places.registriesDropIns.flatMap(dropIns).map(readConfigFile)]
  const rules = new Map<string, RegistryRule>()
  const aliases = new Map<string, string>()
  let search: readonly string[] = []
  for (const file of files.filter((each) => each !== undefined)) {
    const document = parseTomlFile(file, REGISTRIES)
    checkVersion(file, document)
    for (const rule of rulesOf(file, document)) rules.set(rule.prefix, rule)
    search = searchOf(document) ?? search
    for (const [name, value] of Object.entries(document.aliases ?? {})) aliases.set(name, value)
    if (rules.size > MAX_RULES) throw invalidFile(file, undefined, `there are more than ${MAX_RULES} registries`)
  }
  return { rules: [...rules.values()], search, aliases }
}

function dropIns(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.conf'))
    return names
      .sort()
      .slice(0, MAX_FILES)
      .map((name) => path.join(folder, name))
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return []
    throw fail('REGISTRY_CONFIG_INVALID', `${folder} cannot be read (${errnoOf(error) ?? 'unknown error'})`, {
      cause: error,
    })
  }
}

function checkVersion(file: ConfigFile, document: Document): void {
  const isSecond = document.registry ?? document['unqualified-search-registries'] ?? document.aliases
  if (document.registries && isSecond) throw invalidFile(file, undefined, 'mixing sysregistry v1/v2 is not supported')
}

function searchOf(document: Document): readonly string[] | undefined {
  return document['unqualified-search-registries'] ?? document.registries?.search?.registries
}

function rulesOf(file: ConfigFile, document: Document): RegistryRule[] {
  const rules = [...(document.registry ?? []), ...firstVersion(document)].map((table) => ruleOf(file, table))
  const byLocation = new Map<string, RegistryRule>()
  for (const rule of rules) {
    const other = byLocation.get(rule.location)
    const conflict = other && (['insecure', 'blocked'] as const).find((key) => other[key] !== rule[key])
    if (conflict && rule.location !== '') {
      const message = `registry '${rule.location}' is defined multiple times with conflicting '${conflict}' setting`
      throw invalidFile(file, { text: rule.location }, message)
    }
    byLocation.set(rule.location, rule)
  }
  return rules
}

function firstVersion({ registries }: Document): RegistryTable[] {
  const insecure = new Set(registries?.insecure?.registries ?? [])
  const blocked = new Set(registries?.block?.registries ?? [])
  return [...new Set([...insecure, ...blocked])].map((location) => ({
    location,
    insecure: insecure.has(location),
    blocked: blocked.has(location),
  }))
}

function ruleOf(file: ConfigFile, table: RegistryTable): RegistryRule {
  const given = placeOf(file, table.location)
  const prefix = placeOf(file, table.prefix) || given
  if (prefix === '') throw invalidFile(file, undefined, 'invalid condition: both location and prefix are unset')
  const refuse = (message: string): Error => invalidFile(file, { text: prefix }, message)
  if (given.startsWith('*')) throw refuse(`invalid location "${given}": it cannot stand for several hosts`)
  if (table['pull-from-mirror']) throw refuse(`pull-from-mirror must not be set for a non-mirror registry "${prefix}"`)
  const digestOnly = table['mirror-by-digest-only'] === true
  const mirrors = (table.mirror ?? []).map((mirror): RuleMirror => {
    const location = placeOf(file, mirror.location)
    if (location === '') throw refuse('invalid condition: mirror location is unset')
    if (digestOnly && mirror['pull-from-mirror']) {
      throw refuse(
        `cannot set mirror usage mirror-by-digest-only for the registry ("${prefix}") and pull-from-mirror for per-mirror ("${location}") at the same time`,
      )
    }
    const isDigestOnly = digestOnly || mirror['pull-from-mirror'] === 'digest-only'
    return { location, insecure: mirror.insecure === true, digestOnly: isDigestOnly }
  })
  return {
    prefix,
    location: given === '' && !prefix.startsWith('*.') ? prefix : given,
    insecure: table.insecure === true,
    blocked: table.blocked === true,
    mirrors,
    file: file.path,
  }
}

/** A prefix or a location without slashes at its end. */
function placeOf(file: ConfigFile, text: string | undefined): string {
  const place = (text ?? '').replace(/\/+$/, '')
  if (!/^https?:\/\//.test(place)) return place
  throw invalidFile(file, { text: place }, `invalid location '${place}': URI schemes are not supported`)
}
