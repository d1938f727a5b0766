import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Bytes, checkCanceled, fail, type Job } from '../../core/index.ts'
import { requireProgram } from '../../host/index.ts'

/** How git is called. */
export interface GitCall {
  /** The repository; without one git works on none. */
  repository?: string
  /** Settings for this call only; they reach git by its environment, where other users cannot read them. */
  settings?: readonly Setting[]
  environment?: Readonly<Record<string, string>>
  stdin?: Uint8Array
  /** Hears what git says of its progress, line by line; ends it by returning an error. */
  onLine?: (line: string) => Error | undefined
  /** Milliseconds without any output after which it is killed: a server can go silent for ever. */
  stall?: number
}

/** A name and value of git's configuration. */
export type Setting = readonly [name: string, value: string]

const MOST_OUTPUT = 64 << 20
const MOST_MESSAGES = 64 << 10
const STALL = 120_000

// nothing of the user's or the machine's configuration counts, and nothing that a repository says can start a program
const SETTINGS: readonly Setting[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['core.askPass', ''],
  ['credential.helper', ''],
  ['advice.detachedHead', 'false'],
  ['init.defaultBranch', 'main'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['fetch.fsckObjects', 'false'],
  ['fetch.writeCommitGraph', 'false'],
  ['submodule.recurse', 'false'],
  // packs as they come: then it says how many bytes came
  ['fetch.unpackLimit', '1'],
  ['http.lowSpeedLimit', '1'],
  ['http.lowSpeedTime', '60'],
  // where to is decided beforehand, where it can be judged
  ['http.followRedirects', 'false'],
  ['tar.umask', '0022'],
]

const PASSED_ON = /^(PATH|TMPDIR|SSL_CERT_FILE|SSL_CERT_DIR|(https?|all|no)_proxy)$/i

function environmentOf({ settings = [], environment = {}, repository }: GitCall): NodeJS.ProcessEnv {
  const passed = Object.entries(process.env).filter(([name]) => PASSED_ON.test(name))
  const all = [...SETTINGS, ...settings]
  const configured = all.flatMap(([name, value], at) => [
    [`GIT_CONFIG_KEY_${at}`, name],
    [`GIT_CONFIG_VALUE_${at}`, value],
  ])
  const authorities = process.env['GIT_SSL_CAINFO'] ?? process.env['SSL_CERT_FILE']
  return {
    ...Object.fromEntries(passed),
    ...(authorities ? { GIT_SSL_CAINFO: authorities } : {}),
    HOME: '/nonexistent',
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: 'http:https:ssh:git',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_CONFIG_COUNT: String(all.length),
    GIT_DIR: repository ?? '/nonexistent',
    ...Object.fromEntries(configured),
    ...environment,
  }
}

/** A git that runs: its output while it comes, and its end. */
interface Running {
  child: ChildProcess
  /** Rejects when git failed: `GIT_FAILED`, with what it said. */
  ended: Promise<void>
}

/** Runs git to its end; what it wrote to standard output. Fails with `GIT_FAILED`, `PROGRAM_MISSING`, `CANCELED`. */
export async function git(args: readonly string[], call: GitCall, job: Job): Promise<Buffer> {
  const { child, ended } = start(args, call, job)
  const chunks: Buffer[] = []
  let size = 0
  child.stdout!.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size <= MOST_OUTPUT) chunks.push(chunk)
    else kill(child)
  })
  await ended.catch((error) => {
    throw size > MOST_OUTPUT ? fail('GIT_FAILED', `git ${args[0]} said more than ${MOST_OUTPUT} bytes`) : error
  })
  return Buffer.concat(chunks)
}

/** As `git`, for an output of any size. Whoever stops reading ends it. */
export async function* gitStream(args: readonly string[], call: GitCall, job: Job): Bytes {
  const { child, ended } = start(args, call, job)
  ended.catch(() => {}) // awaited below
  try {
    for await (const chunk of child.stdout!) yield chunk as Buffer
    await ended
  } finally {
    kill(child)
  }
}

function start(args: readonly string[], call: GitCall, job: Job): Running {
  checkCanceled(job)
  const options = { detached: true, cwd: '/', env: environmentOf(call) } as const
  const child = spawn(requireProgram('git'), args, {
    ...options,
    stdio: [call.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  child.stdin?.on('error', () => {}) // it may end without reading all of its input
  child.stdin?.end(call.stdin)
  const abort = (): void => kill(child)
  job.signal?.addEventListener('abort', abort, { once: true })
  const watch = watchFor(child, call.stall ?? STALL)
  const messages = listen(child, call.onLine)
  const ended = once(child, 'close').then(
    ([code]) => {
      checkCanceled(job)
      if (messages.refusal) throw messages.refusal
      if (watch.stalled) throw fail('GIT_FAILED', `git ${args[0]}: nothing came for ${call.stall ?? STALL} ms`)
      if (code !== 0) throw failed(args, messages.text)
    },
    (error: unknown) => {
      throw fail('GIT_FAILED', `git cannot be started: ${String(error)}`, { cause: error })
    },
  )
  return {
    child,
    ended: ended.finally(() => {
      watch.end()
      job.signal?.removeEventListener('abort', abort)
    }),
  }
}

/** With everything that it started: helpers for http and ssh, which would go on by themselves. */
function kill(child: ChildProcess): void {
  try {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
      process.kill(-child.pid, 'SIGKILL')
  } catch {
    // it has just ended
  }
}

function watchFor(child: ChildProcess, stall: number): { readonly stalled: boolean; end: () => void } {
  const state = { stalled: false, end: () => clearTimeout(timer) }
  const timer = setTimeout(() => {
    state.stalled = true
    kill(child)
  }, stall)
  timer.unref()
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', () => timer.refresh())
  return state
}

/** What git says on standard error: lines to whoever listens, and the end of it for a message. */
function listen(child: ChildProcess, onLine: GitCall['onLine']): { text: string; refusal?: Error } {
  const heard: { text: string; refusal?: Error } = { text: '' }
  let rest = ''
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    heard.text = (heard.text + chunk).slice(-MOST_MESSAGES)
    const lines = (rest + chunk).slice(-MOST_MESSAGES).split(/[\r\n]/)
    rest = lines.pop()!
    for (const line of lines) {
      const refusal = onLine?.(line)
      if (!refusal) continue
      heard.refusal ??= refusal
      kill(child)
    }
  })
  return heard
}

const ABOUT_NOTHING = /^(Cloning into|From |remote: (Enumerating|Counting|Compressing|Total)|Receiving|Resolving|\s*$)/

function failed(args: readonly string[], said: string): Error {
  const lines = said.split(/[\r\n]+/).filter((line) => !ABOUT_NOTHING.test(line))
  const reason = lines.slice(-5).join('\n') || 'it ended without a word'
  return fail('GIT_FAILED', `git ${args[0]}: ${reason}`, hintFor(reason))
}

function hintFor(reason: string): { hint?: string } {
  if (/Permission denied \(/.test(reason)) {
    return { hint: 'Give the build your SSH agent with --ssh default.' }
  }
  if (/could not read Username|Authentication failed|returned error: 40[13]/.test(reason)) {
    return { hint: 'Give the build a token: --secret id=GIT_AUTH_TOKEN,env=NAME.' }
  }
  return {}
}
