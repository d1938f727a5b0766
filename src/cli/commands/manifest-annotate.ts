import type { AnnotateRequest } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { withEngine } from '../session.ts'

/** `slipway manifest annotate`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] MANIFEST_LIST MANIFEST',
  operands: { min: 2, max: 2 },
  flags: {
    arch: { kind: 'string', default: '', about: 'Set architecture' },
    os: { kind: 'string', default: '', about: 'Set operating system' },
    'os-features': { kind: 'csv', about: 'Set operating system feature' },
    'os-version': { kind: 'string', default: '', about: 'Set operating system version' },
    variant: { kind: 'string', default: '', about: 'Set architecture variant' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args } = context
      const request: AnnotateRequest = {
        list: args[0]!,
        manifest: args[1]!,
        os: flags.os,
        architecture: flags.arch,
        variant: flags.variant,
        osVersion: flags['os-version'],
        osFeatures: flags['os-features'],
      }
      await engine.manifestLists.annotate(request)
      return 0
    }),
})
