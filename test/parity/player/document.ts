/** Files of cases in the form of steps, as other projects' tests were turned into. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

/** A value of a step: plain JSON, or an object with `$` that says what to look up. */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [name: string]: Value }

/** One step. `op` says what it is; the other fields depend on it. */
export interface Step {
  readonly op: string
  readonly line?: number
  readonly [field: string]: Value | undefined
}

/** One case. */
export interface StepCase {
  name: string
  /** `mechanical`: complete; `partial`, `manual`: something of the test is missing. */
  class: string
  steps: Step[]
  needs: string[]
  /** Servers that the steps talk to. */
  fixtures: Fixture[]
  /** Name of the file without its ending. */
  source: string
}

/** An http server with files. */
export interface Fixture {
  http: string
  files?: Record<string, Value>
  responses?: Record<string, { Etag?: string; Content: Value }>
}

/** Reads all case files of a folder, or one file. */
export function readCases(place: string): StepCase[] {
  const files = statSync(place).isFile()
    ? [place]
    : readdirSync(place)
        .filter((name) => name.endsWith('.json'))
        .sort()
        .map((name) => path.join(place, name))
  return files.flatMap(readFile)
}

function readFile(file: string): StepCase[] {
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases?: StepCase[] }
  if (!Array.isArray(cases) || !Array.isArray(cases[0]?.steps)) return []
  const source = path.basename(file, '.json')
  return cases.map((each) => ({ ...each, needs: each.needs ?? [], fixtures: each.fixtures ?? [], source }))
}

/** How far a case can be trusted, by its name: a file of `{ cases: [{ name, trust }] }`. */
export function readTrust(file: string | undefined): Map<string, string> {
  if (file === undefined || !existsSync(file)) return new Map()
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: { name: string; trust: string }[] }
  return new Map(cases.map(({ name, trust }) => [name, trust]))
}

/** Something that the player has no way to do, or that is missing in the case. */
export class Unplayable extends Error {}

/** The bytes of a text, a list of bytes and texts, or an archive to be made. Lone surrogates U+DC80.. stand for bytes. */
export function bytesOf(content: Value | undefined): Buffer {
  if (typeof content === 'string') return Buffer.concat([...content].map(bytesOfCharacter))
  if (typeof content === 'number') return Buffer.from([content])
  if (Array.isArray(content)) return Buffer.concat(content.map(bytesOf))
  throw new Unplayable(`content ${JSON.stringify(content).slice(0, 80)}`)
}

function bytesOfCharacter(character: string): Buffer {
  const code = character.charCodeAt(0)
  const escaped = character.length === 1 && code >= 0xdc80 && code <= 0xdcff
  return escaped ? Buffer.from([code - 0xdc00]) : Buffer.from(character)
}

/** Whether a value is an object. */
export function isObject(value: Value | undefined): value is { readonly [name: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
