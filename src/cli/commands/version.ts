import { arch, platform } from 'node:process'
import { type Command, defineCommand } from '../command.ts'
import { OBJECT_FORMAT } from '../format-flag.ts'
import { API_VERSION, programCommit, programVersion } from '../version.ts'

/** What `version` tells about this program, by Docker's names. */
function clientVersion(): Record<string, string> {
  return {
    Version: programVersion(),
    ApiVersion: API_VERSION,
    DefaultAPIVersion: API_VERSION,
    GitCommit: programCommit(),
    NodeVersion: process.version,
    Os: platform,
    Arch: arch === 'x64' ? 'amd64' : arch,
  }
}

const ROWS = [
  ['Version', 'Version'],
  ['API version', 'ApiVersion'],
  ['Node version', 'NodeVersion'],
  ['Git commit', 'GitCommit'],
] as const

function describeVersion(client: Record<string, string>): string {
  const rows = ROWS.filter(([, key]) => client[key] !== '').map(([label, key]) => [label, client[key]] as const)
  const lines = [...rows, ['OS/Arch', `${client['Os']}/${client['Arch']}`] as const]
  return `Client:\n${lines.map(([label, value]) => ` ${`${label}:`.padEnd(18)} ${value}\n`).join('')}`
}

/** `slipway version`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    format: OBJECT_FORMAT,
  },
  async run({ flags, io }) {
    const client = clientVersion()
    if (flags.format === '') await io.stdout.write(describeVersion(client))
    else {
      // The template engine is loaded only where it is used: `version` must start fast.
      const { renderObject } = await import('../template/index.ts')
      await io.stdout.write(`${renderObject(flags.format, { Client: client })}\n`)
    }
    return 0
  },
})
