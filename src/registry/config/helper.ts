import { accessSync, constants, statSync } from 'node:fs'
import path from 'node:path'
import * as v from 'valibot'
import { fail, isJsonObject, type Job, messageOf, parseJson, silentJob } from '../../core/index.ts'
import { type ProgramResult, runProgram } from '../../host/index.ts'
import type { Credentials } from '../settings.ts'

/** A program that keeps credentials: `docker-credential-NAME`. */
export interface Helper {
  /** What stands in `credsStore` or `credHelpers`. */
  readonly name: string
  readonly env: NodeJS.ProcessEnv
  /** Milliseconds it may take: it may have to ask the user. */
  readonly timeout?: number
}

const TIMEOUT = 120_000
const MAX_OUTPUT = 1 << 20
/** What helpers say of a registry that they do not know (docker-credential-helpers, `credentials/error.go`). */
const NOT_FOUND = 'credentials not found in native keychain'
/** The user name with which an identity token is kept. */
const TOKEN_USER = '<token>'

/** What each action is called in errors. */
const DOING = { get: 'getting', store: 'storing', erase: 'erasing' } as const

/** Asks a helper for the credentials of a registry. Fails with `CREDENTIAL_HELPER_FAILED`. */
export async function getFromHelper(helper: Helper, server: string, job?: Job): Promise<Credentials | undefined> {
  const output = await talk(helper, 'get', server, job)
  if (output === undefined) return undefined
  const { Username: username, Secret: secret } = readAnswer(helper, output)
  if (username === TOKEN_USER) return { kind: 'identity-token', token: secret }
  return username === '' && secret === '' ? undefined : { kind: 'password', username, password: secret }
}

/** Gives a helper something to keep. */
export async function storeInHelper(
  helper: Helper,
  server: string,
  credentials: Credentials,
  job?: Job,
): Promise<void> {
  const isPassword = credentials.kind === 'password'
  const message = {
    ServerURL: server,
    Username: isPassword ? credentials.username : TOKEN_USER,
    Secret: isPassword ? credentials.password : credentials.token,
  }
  await talk(helper, 'store', JSON.stringify(message), job)
}

/** Lets a helper forget a registry, which it need not know. */
export async function eraseFromHelper(helper: Helper, server: string, job?: Job): Promise<void> {
  await talk(helper, 'erase', server, job)
}

const ANSWER = v.object({ Username: v.string(), Secret: v.string() })

function readAnswer(helper: Helper, output: Buffer): v.InferOutput<typeof ANSWER> {
  const result = v.safeParse(ANSWER, answerOf(helper, output))
  if (result.success) return result.output
  throw failed(helper, 'get', 'its answer has no Username and Secret')
}

function answerOf(helper: Helper, output: Buffer): Record<string, unknown> {
  try {
    const value = parseJson(output, { what: 'its answer', maxBytes: MAX_OUTPUT, maxDepth: 8 })
    if (isJsonObject(value)) return value
  } catch {
    // what it says may hold a secret, and so may the parser's message
  }
  throw failed(helper, 'get', 'its answer is not a JSON object')
}

/** What the helper answers; nothing when it does not know the registry. */
async function talk(
  helper: Helper,
  action: keyof typeof DOING,
  input: string,
  job: Job = silentJob,
): Promise<Buffer | undefined> {
  const { stdout, exitCode } = await run(helper, action, input, job)
  if (exitCode === 0) return stdout
  const said = stdout.toString().trim().slice(0, 2000)
  if (said === NOT_FOUND) return undefined
  throw failed(helper, action, `exit status ${exitCode}`, said)
}

async function run(helper: Helper, action: keyof typeof DOING, input: string, job: Job): Promise<ProgramResult> {
  const program = `docker-credential-${helper.name}`
  const file = findInPath(helper, program)
  if (!file) throw failed(helper, action, `exec: "${program}": executable file not found in $PATH`)
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort('it took too long'), helper.timeout ?? TIMEOUT)
  const signal = job.signal ? AbortSignal.any([job.signal, stop.signal]) : stop.signal
  let size = 0
  const onStdout = (chunk: Buffer): void => {
    size += chunk.length
    if (size > MAX_OUTPUT) stop.abort('it says too much')
  }
  const options = { env: helper.env, stdin: Buffer.from(input), onStdout }
  try {
    return await runProgram(file, [action], options, { ...job, signal })
  } catch (error) {
    if (job.signal?.aborted) throw error
    throw failed(helper, action, stop.signal.aborted ? String(stop.signal.reason) : messageOf(error))
  } finally {
    clearTimeout(timer)
  }
}

/** The name comes out of a file: it must not lead to a program elsewhere than in PATH. */
function findInPath(helper: Helper, program: string): string | undefined {
  if (!/^[A-Za-z0-9_.@+-]+$/.test(helper.name)) {
    throw fail('REGISTRY_CONFIG_INVALID', `${JSON.stringify(helper.name)} is not the name of a credential helper`, {
      hint: 'credsStore and credHelpers hold what follows "docker-credential-" in the name of the program.',
    })
  }
  return (helper.env['PATH'] ?? '')
    .split(':')
    .filter((folder) => path.isAbsolute(folder))
    .map((folder) => path.join(folder, program))
    .find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** Docker's words. */
function failed(helper: Helper, action: keyof typeof DOING, why: string, said = ''): Error {
  const message = `error ${DOING[action]} credentials - err: ${why}, out: \`${said}\``
  return fail('CREDENTIAL_HELPER_FAILED', message, {
    hint: `check docker-credential-${helper.name}, or take it out of credsStore and credHelpers in config.json.`,
    data: { helper: helper.name, action },
  })
}
