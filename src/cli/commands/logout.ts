import { type Command, defineCommand } from '../command.ts'
import { escapeMessage } from '../render/escape.ts'
import { jobOf } from '../session.ts'
import { credentialsEnv, warnOfMemory } from './login.ts'

/** `slipway logout`. */
export const command: Command = defineCommand({
  usage: '[SERVER]',
  description: 'Log out from a registry.\nDefaults to Docker Hub if no server is specified.',
  operands: { min: 0, max: 1 },
  flags: {},
  async run(context) {
    const { logout } = await import('../../engine/index.ts')
    const { io } = context
    await warnOfMemory(context)
    const { server, problems } = await logout(context.args[0], { env: credentialsEnv(context) }, jobOf(context))
    await io.stdout.write(`Removing login credentials for ${server}\n`)
    if (problems.length > 0) {
      const lines = ['WARNING: could not erase credentials:', ...problems.map(escapeMessage)]
      await io.stderr.write(`${lines.join('\n')}\n`)
    }
    return 0
  },
})
