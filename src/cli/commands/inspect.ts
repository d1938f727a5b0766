import { hasCode } from '../../core/index.ts'
import { type Engine, type Inspection, isStepRef, nameForMessage } from '../../engine/index.ts'
import { parsePlatform } from '../../oci/index.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { OBJECT_FORMAT } from '../format-flag.ts'
import { stepObject } from '../render/build-report.ts'
import { renderError } from '../render/error.ts'
import { withEngine } from '../session.ts'
import { CONTAINER_TYPE, IMAGE_TYPE, type Inspected, renderInspect } from '../template/index.ts'

type Kind = 'image' | 'container'

const TYPES = { image: IMAGE_TYPE, container: CONTAINER_TYPE }
// what cannot be a name is nobody's name
const NOT_FOUND = ['IMAGE_NOT_FOUND', 'CONTAINER_NOT_FOUND', 'REFERENCE_INVALID'] as const

const missingImage = (name: string): string => `Error: No such image: ${nameForMessage(name)}`
const missingContainer = (name: string): string => `Error: No such container: ${name}`
const missingObject = (name: string): string => `Error: No such object: ${name}`
const MISSING = { image: missingImage, container: missingContainer }

/** Containers come first: a name can be both. `undefined` when there is nothing of these kinds. */
function find(
  engine: Engine,
  name: string,
  kinds: readonly Kind[],
  platform: string | undefined,
): Inspected | undefined {
  if (isStepRef(name)) {
    const { build, step } = engine.builds.step(name)
    return { data: { Build: build.id, ...stepObject(step) } }
  }
  const wanted = platform === undefined ? undefined : parsePlatform(platform)
  const look: Record<Kind, () => Inspection> = {
    container: () => engine.containers.inspect(name),
    image: () => engine.images.inspect(name, wanted),
  }
  for (const kind of kinds) {
    try {
      return { data: look[kind](), type: TYPES[kind] }
    } catch (error) {
      if (!hasCode(error, ...NOT_FOUND)) throw error
    }
  }
  return undefined
}

/** What was found is printed; then, on stderr, what was not. */
async function inspect(
  context: Pick<CommandContext, 'globals' | 'signal' | 'args' | 'io'>,
  options: { format: string; kinds: readonly Kind[]; platform: string | undefined; missing: (name: string) => string },
): Promise<number> {
  return withEngine(context, async (engine) => {
    const { args, io } = context
    const found = args.map((name) => find(engine, name, options.kinds, options.platform))
    const { text, failures } = renderInspect(
      options.format,
      found.filter((object) => object !== undefined),
    )
    await io.stdout.write(text)
    for (const failure of failures) await io.stderr.write(renderError(failure))
    const missing = args.filter((_, at) => found[at] === undefined)
    for (const name of missing) await io.stderr.write(`${options.missing(name)}\n`)
    return missing.length + failures.length > 0 ? 1 : 0
  })
}

/** `slipway inspect`: containers, images and build steps. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME|ID [NAME|ID...]',
  operands: { min: 1, completes: 'container' },
  flags: {
    format: OBJECT_FORMAT,
    size: { kind: 'bool', short: 's', about: 'Display total file sizes if the type is container' },
    type: { kind: 'choice', choices: ['image', 'container'], about: 'Only inspect objects of the given type' },
  },
  run(context) {
    const { type, format } = context.flags
    const kinds: Kind[] = type === undefined ? ['container', 'image'] : [type as Kind]
    return inspect(context, {
      format,
      kinds,
      platform: undefined,
      missing: type === undefined ? missingObject : MISSING[type as Kind],
    })
  },
})

/** `slipway image inspect`. */
export const imageCommand: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  operands: { min: 1, completes: 'image' },
  flags: {
    format: OBJECT_FORMAT,
    platform: {
      kind: 'string',
      about:
        'Inspect a specific platform of the multi-platform image. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
  },
  run(context) {
    const { platform, format } = context.flags
    return inspect(context, { format, kinds: ['image'], platform, missing: missingImage })
  },
})

/** `slipway container inspect`. */
export const containerCommand: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1, completes: 'container' },
  flags: {
    format: OBJECT_FORMAT,
    size: { kind: 'bool', short: 's', about: 'Display total file sizes' },
  },
  run(context) {
    const { format } = context.flags
    return inspect(context, {
      format,
      kinds: ['container'],
      platform: undefined,
      missing: missingContainer,
    })
  },
})
