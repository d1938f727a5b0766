import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Build, type Case, type Exceptions, NO_EXCEPTIONS, plainBuild } from './case.ts'
import { CONTEXTS } from './contexts.ts'

const FOLDER = path.join(import.meta.dirname, 'cases')

/** The cases beside this file; their form is told in README.md. */
export function readOwnCases(): Case[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.dockerfile'))
    .sort()
    .flatMap((name) => readCases(path.basename(name, '.dockerfile'), readFileSync(path.join(FOLDER, name), 'utf8')))
}

/** A file holds cases one after another, each begun by `#: case NAME`, each of one or several builds. */
function readCases(file: string, text: string): Case[] {
  const [, ...cases] = text.split(/^#: case (.*)\n/m)
  return pairs(cases).map(([name, body]) => readCase(`${file}: ${name}`, body))
}

function pairs(parts: readonly string[]): [name: string, body: string][] {
  return parts.flatMap((part, at) => (at % 2 === 0 ? [[part, parts[at + 1]!] as [string, string]] : []))
}

/** `#: image NAME` ends a build whose image the next one may start from. */
function readCase(name: string, body: string): Case {
  const [first, ...rest] = body.split(/^#: then\n/m)
  const builds = [first!, ...rest].map(readBuild)
  return { name, builds, exceptions: exceptionsOf(body) }
}

/** Values of the lines `#: WORD VALUE`. */
function notes(text: string, word: string): string[] {
  return [...text.matchAll(new RegExp(`^#: ${word}(?: (.*))?$`, 'gm'))].map(([, value]) => value ?? '')
}

function readBuild(text: string): Build {
  const [context = 'none'] = notes(text, 'context')
  const [target] = notes(text, 'target')
  const [image] = notes(text, 'image')
  const [file] = notes(text, 'file')
  const ignore = notes(text, 'ignore')
  const fill = CONTEXTS[context]
  if (!fill) throw new Error(`there is no context ${context}`)
  return plainBuild(text, {
    buildArgs: assignments(notes(text, 'arg')),
    labels: assignments(notes(text, 'label')),
    ...(notes(text, 'offline').length > 0 ? { network: 'none' } : {}),
    ...(target === undefined ? {} : { target }),
    ...(image === undefined ? {} : { image }),
    ...(file === undefined ? {} : { dockerfileName: file }),
    prepare: (folder) => {
      fill(folder)
      if (ignore.length > 0) writeFileSync(path.join(folder, '.dockerignore'), ignore.join('\n'))
    },
  })
}

function assignments(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)))
}

function exceptionsOf(text: string): Exceptions {
  const words = notes(text, 'own words').length > 0
  return { ...NO_EXCEPTIONS, words, paths: notes(text, 'except'), fields: notes(text, 'except field') }
}
