import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { type CommandLine, runQuietly } from '../measure.ts'
import { inTurn, removeStore, type Tool } from './tool.ts'

/** Slipway, started as `command` (words), which is usually the launcher of this checkout. */
export async function openSlipway(folder: string, command: readonly string[]): Promise<Tool> {
  const root = path.join(folder, 'slipway')
  const slipway = (...args: string[]): CommandLine => ({ argv: [...command, ...args], env: { SLIPWAY_ROOT: root } })
  const [program, ...words] = command
  const version = execFileSync(program!, [...words, '--version'], { encoding: 'utf8' })
  return {
    name: `Slipway ${/version ([^\s,]+)/.exec(version)?.[1]}`,
    isOurs: true,
    daemons: [],
    build: (context, image, { fresh } = {}) =>
      slipway('build', '-t', image, '--network=host', ...(fresh ? ['--no-cache'] : []), context),
    load: (archive) => slipway('load', '-i', archive),
    save: (image, archive) => slipway('save', '-o', archive, image),
    run: (image, args) => slipway('run', '--rm', '--network=host', image, ...args),
    pull: (image) => inTurn(slipway('pull', image), slipway('run', '--rm', '--network=host', image, 'true')),
    tag: (image, name) => slipway('tag', image, name),
    push: (_image, name) => slipway('push', name),
    listImages: () => slipway('images'),
    version: () => slipway('version'),
    async reset() {
      removeStore(root)
      await runQuietly(slipway('images')) // an empty store, as the others have it now
    },
    close: async () => removeStore(root),
  }
}
