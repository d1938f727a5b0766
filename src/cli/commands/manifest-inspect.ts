import { type InspectedManifest, listDocument, manifestJson } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { jobOf, withEngine } from '../session.ts'

/** As `docker manifest inspect` prints it: a list on its own, a manifest as it is, both in their own indentation. */
function describe(found: InspectedManifest, verbose: boolean): string {
  const isList = found.mediaType !== undefined
  if (!verbose && isList) return listDocument(found)
  const [first] = found.manifests
  if (!verbose) return indented(JSON.parse(first!.raw.toString()))
  return indented(isList ? found.manifests.map(manifestJson) : manifestJson(first!))
}

const indented = (value: unknown): string => JSON.stringify(value, undefined, '\t')

/** `slipway manifest inspect`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [MANIFEST_LIST] MANIFEST',
  operands: { min: 1, max: 2 },
  flags: {
    insecure: { kind: 'bool', about: 'Allow communication with an insecure registry' },
    verbose: { kind: 'bool', short: 'v', about: 'Output additional info including layers and platform' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const [list, name] = args.length > 1 ? [args[0]!, args[1]!] : [undefined, args[0]!]
      const request = { name, insecure: flags.insecure, ...(list === undefined ? {} : { list }) }
      const found = await engine.manifestLists.inspect(request, jobOf(context))
      await io.stdout.write(`${describe(found, flags.verbose)}\n`)
      return 0
    }),
})
