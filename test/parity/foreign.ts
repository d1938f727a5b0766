import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Case, NO_EXCEPTIONS, plainBuild } from './case.ts'
import { sampleTree } from './contexts.ts'

/**
 * Cases of other projects, in the forms they are handed around in: a folder of folders with `case.json` and
 * `context.tar`; a folder of Dockerfiles; a folder of contexts with Dockerfiles in them; a JSON file of tests as steps.
 */
export function readForeignCases(place: string): Case[] {
  if (statSync(place).isFile()) return readSteps(place)
  const names = readdirSync(place).sort()
  return names.flatMap((name) => {
    const at = path.join(place, name)
    if (statSync(at).isFile()) return [ofDockerfile(at)]
    if (existsSync(path.join(at, 'case.json'))) return [ofCaseFolder(at)]
    return dockerfilesIn(at).map((file) => ofContext(at, file))
  })
}

interface CaseDocument {
  name: string
  dockerfile: string | null
  dockerfileName: string
  buildArgs: Record<string, string> | null
  fsSkip: string[] | null
}

/** `case.json` says what, `context.tar` holds the context with owners and attributes. */
function ofCaseFolder(folder: string): Case {
  const about = JSON.parse(readFileSync(path.join(folder, 'case.json'), 'utf8')) as CaseDocument
  const archive = path.join(folder, 'context.tar')
  const { dockerfileName } = about
  const member = `./${dockerfileName}`
  const text = about.dockerfile ?? execFileSync('tar', ['-xOf', archive, member], { encoding: 'utf8' })
  const prepare = (target: string): void => {
    execFileSync('tar', ['-xpf', archive, '-C', target, '--xattrs', '--xattrs-include=*', '--numeric-owner'])
  }
  return caseOf(`${path.basename(folder)} ${about.name}`, text, {
    dockerfileName,
    buildArgs: about.buildArgs ?? {},
    prepare,
    exceptions: exceptionsOf(about.fsSkip ?? []),
  })
}

/** `(dir):app:(dir):sub:mtime` is a field of app/sub; without a field at the end, all of it is meant. */
function exceptionsOf(skips: readonly string[]): Case['exceptions'] {
  const parts = skips.map((skip) => skip.replaceAll('(dir):', '').split(':'))
  const isField = (words: string[]): boolean => ['mtime', 'uid', 'gid', 'mode'].includes(words.at(-1)!)
  const fields = parts.filter(isField).map((words) => `${words.slice(0, -1).join('/')}:${words.at(-1)}`)
  return { ...NO_EXCEPTIONS, fields, paths: parts.filter((words) => !isField(words)).map((words) => words.join('/')) }
}

/** Build arguments that Dockerfiles without a context of their own ask for. */
const ARGUMENTS: Record<string, string> = { file: '/file', workdir: '/arg/workdir' }

function ofDockerfile(file: string): Case {
  const text = readFileSync(file, 'utf8')
  const wanted = Object.entries(ARGUMENTS).filter(([name]) => new RegExp(`^ARG ${name}$`, 'm').test(text))
  return caseOf(path.basename(file), text, { buildArgs: Object.fromEntries(wanted), prepare: sampleTree })
}

const dockerfilesIn = (folder: string): string[] =>
  readdirSync(folder).filter((name) => /^(Dockerfile|Containerfile)/.test(name) && !name.endsWith('ignore'))

function ofContext(folder: string, dockerfileName: string): Case {
  const text = readFileSync(path.join(folder, dockerfileName), 'utf8')
  const prepare = (target: string): void => cpSync(folder, target, { recursive: true, verbatimSymlinks: true })
  return caseOf(`${path.basename(folder)}/${dockerfileName}`, text, { dockerfileName, prepare })
}

interface StepsDocument {
  cases: { name: string; class: string; steps: Step[] }[]
}

interface Step {
  op: string
  context: { $: string; path: string; content?: string; mode?: number; target?: string }[] | null
  attrs: Record<string, unknown>
}

function readSteps(file: string): Case[] {
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as StepsDocument
  return cases
    .filter((each) => each.class === 'mechanical')
    .flatMap(({ name, steps }) =>
      steps.filter(({ op }) => op === 'build').map((step, at) => ofStep(`${name} ${at + 1}`, step)),
    )
}

function ofStep(name: string, { context, attrs }: Step): Case {
  const files = context ?? []
  const dockerfileName = String(attrs['filename'] ?? 'Dockerfile')
  const text = files.find((file) => file.path === dockerfileName)?.content
  const { target } = attrs
  const others = Object.keys(attrs).filter((key) => !/^(build-arg:.*|filename|target|no-cache)$/.test(key))
  const buildArgs = Object.fromEntries(
    Object.entries(attrs).flatMap(([key, value]) =>
      key.startsWith('build-arg:') ? [[key.slice(10), String(value)]] : [],
    ),
  )
  const made = caseOf(name, text ?? '', {
    dockerfileName,
    buildArgs,
    prepare: (folder) => makeFiles(folder, files),
    ...(typeof target === 'string' ? { target } : {}),
  })
  if (text === undefined) return { ...made, skip: 'no Dockerfile' }
  return others.length > 0 ? { ...made, skip: `needs ${others.join(', ')}` } : made
}

function makeFiles(folder: string, files: NonNullable<Step['context']>): void {
  for (const { $, path: name, content, mode, target } of files) {
    const at = path.join(folder, name)
    mkdirSync($ === 'd' ? at : path.dirname(at), { recursive: true })
    if ($ === 'l') symlinkSync(target!, at)
    else if ($ === 'f') writeFileSync(at, content ?? '', { mode: mode ?? 0o644 })
  }
}

type Details = Parameters<typeof plainBuild>[1] & { exceptions?: Case['exceptions'] }

function caseOf(name: string, text: string, { exceptions = NO_EXCEPTIONS, ...details }: Details): Case {
  const skip = needs(text)
  const build = plainBuild(portable(text), details)
  const words = exceptions.words || hasSeveralSources(text)
  const fields = [...exceptions.fields, ...clockFiles(text)]
  return { name, builds: [build], exceptions: { ...exceptions, words, fields }, ...(skip ? { skip } : {}) }
}

/** `date > /file` says something else each time. */
function clockFiles(text: string): string[] {
  return [...text.matchAll(/\bdate\s*>+\s*\/(\S+)/g)].map(([, file]) => `${file}:content`)
}

/** Of several sources that are missing Docker names any: it looks for all of them at the same time. */
function hasSeveralSources(text: string): boolean {
  const copies = text.replaceAll('\\\n', ' ').match(/^\s*(COPY|ADD)\s.*$/gim) ?? []
  const sources = copies.map((line) => line.trim().split(/\s+(?!--)/).length - 2)
  return sources.reduce((sum, count) => sum + count, 0) > 1
}

/** Without what only a registry could answer: a frontend of its own, digests of bases. */
function portable(text: string): string {
  return text
    .replace(/^# *syntax *=.*$/gim, '#')
    .replace(/\$\{\w+:\+@sha256:[0-9a-f]{64}\}/g, '')
    .replace(/@sha256:[0-9a-f]{64}/g, '')
}

/** What a Dockerfile needs that is not there without a network. */
function needs(text: string): string | undefined {
  const code = text.replace(/^\s*#.*$/gm, '')
  const program = /\b(apk|yum|dnf|microdnf|apt-get|apt|pip|npm|curl|wget|git clone|go build)\b/.exec(code)?.[1]
  if (program !== undefined) return `needs ${program}`
  return /^\s*ADD .*(https?:\/\/|git@)/im.test(code) ? 'needs a network' : undefined
}
