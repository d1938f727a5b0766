import { collectBytes, fail, messageOf, SlipwayError } from '../../core/index.ts'
import type { KnownLogin } from '../../engine/index.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { ask } from '../prompt.ts'
import { escapeMessage } from '../render/escape.ts'
import { jobOf } from '../session.ts'

const FLAGS = {
  password: { kind: 'string', short: 'p', about: 'Password or Personal Access Token (PAT)' },
  'password-stdin': { kind: 'bool', about: 'Take the Password or Personal Access Token (PAT) from stdin' },
  'token-server': {
    kind: 'string',
    about: "The registry's token server, where it is in another domain: it gets the password, too",
  },
  username: { kind: 'string', short: 'u', about: 'Username' },
} as const

type Context = CommandContext<typeof FLAGS>

/** Far more than any password has. */
const MAX_PASSWORD = 1 << 20

/** `slipway login`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [SERVER]',
  description: 'Authenticate to a registry.\nDefaults to Docker Hub if no server is specified.',
  operands: { min: 0, max: 1 },
  flags: FLAGS,
  async run(context) {
    const given = await checkFlags(context)
    await warnOfMemory(context)
    const known = given.username === undefined && given.password === undefined ? await storedLogin(context) : undefined
    if (known && (await loginAgain(context, known))) return 0
    const { username, password } = await complete(context, given, known)
    await loginAs(context, { username, password })
    return 0
  },
})

/** What the flags say, with the password from standard input where they say that it is there. */
async function checkFlags(context: Context): Promise<{ username?: string; password?: string }> {
  const { flags, given, io } = context
  if (given.has('password') && given.has('password-stdin'))
    throw usage('conflicting options: cannot specify both --password and --password-stdin')
  if (given.has('username') && flags.username === '') throw usage('username is empty')
  if (given.has('password') && flags.password === '') throw usage('password is empty')
  if (flags['password-stdin'] && !flags.username)
    throw usage('the --password-stdin option requires --username to be set')
  if (given.has('password'))
    await io.stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n')
  const password = flags['password-stdin'] ? await readPassword(context) : flags.password
  return { ...(flags.username ? { username: flags.username } : {}), ...(password ? { password } : {}) }
}

async function readPassword({ io }: Context): Promise<string> {
  const tooLong = (): Error => usage(`the password is longer than ${MAX_PASSWORD} bytes`)
  const bytes = await collectBytes(io.stdin(), MAX_PASSWORD, tooLong)
  return bytes.toString('utf8').replace(/[\r\n]+$/, '')
}

/** Where the folder of config.json was named on the command line, that one counts. */
export function credentialsEnv({ env, globals }: Pick<CommandContext, 'env' | 'globals'>): NodeJS.ProcessEnv {
  return globals.config === undefined ? env : { ...env, DOCKER_CONFIG: globals.config }
}

/** Says that what is kept now is not what is used afterwards. */
export async function warnOfMemory({ env, io }: Pick<CommandContext, 'env' | 'io'>): Promise<void> {
  if (!env['DOCKER_AUTH_CONFIG']) return
  await io.stderr.write(
    '\n Warn -> DOCKER_AUTH_CONFIG is set and takes precedence.\n         Unset DOCKER_AUTH_CONFIG to restore the CLI auth behaviour.\n\n',
  )
}

/** A helper that fails here fails again, with the same words, when there is something to keep. */
async function storedLogin(context: Context): Promise<KnownLogin | undefined> {
  const { knownLogin } = await import('../../engine/index.ts')
  try {
    return await knownLogin(context.args[0], { env: credentialsEnv(context) })
  } catch (error) {
    if (error instanceof SlipwayError && error.code === 'CREDENTIAL_HELPER_FAILED') return undefined
    throw error
  }
}

/** Whether the credentials that are kept are (still) good. */
async function loginAgain(context: Context, known: KnownLogin): Promise<boolean> {
  const { stderr } = context.io
  await stderr.write(
    `Authenticating with existing credentials... [Username: ${escapeMessage(known.username)}]\n\n Info -> To login with a different account, run 'slipway logout' followed by 'slipway login'\n\n\n`,
  )
  try {
    await loginAs(context, known)
    return true
  } catch (error) {
    if (context.signal.aborted) throw error
    await stderr.write(`Login did not succeed, error: ${escapeMessage(messageOf(error))}\n`)
    return false
  }
}

/** Asks for what is missing. */
async function complete(
  context: Context,
  given: { username?: string; password?: string },
  known: KnownLogin | undefined,
): Promise<KnownLogin> {
  const { io, flags } = context
  if (given.username !== undefined && given.password !== undefined)
    return { username: given.username, password: given.password }
  if (!io.stdin().isTTY || flags['password-stdin'])
    throw usage('Cannot perform an interactive login from a non TTY device')
  const question = known ? `Username (${escapeMessage(known.username)}): ` : 'Username: '
  const username = given.username ?? ((await ask(context, question)).trim() || known?.username)
  if (!username) throw usage('Non-null Username Required')
  const password = given.password ?? (await ask(context, 'Password: ', { secret: true }))
  if (password === '') throw usage('Password Required')
  return { username, password }
}

async function loginAs(context: Context, known: KnownLogin): Promise<void> {
  const { login } = await import('../../engine/index.ts')
  const tokenServer = context.flags['token-server'] || known.tokenServer
  const request = { ...known, server: context.args[0], tokenServer, env: credentialsEnv(context) }
  const { unencryptedIn } = await login(request, jobOf(context))
  if (unencryptedIn !== undefined) {
    await context.io.stderr.write(
      `\nWARNING! Your credentials are stored unencrypted in '${escapeMessage(unencryptedIn)}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`,
    )
  }
  await context.io.stdout.write('Login Succeeded\n')
}

function usage(message: string): Error {
  return fail('USAGE_INVALID', message)
}
