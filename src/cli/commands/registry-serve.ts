import { renameSync, writeFileSync } from 'node:fs'
import { fail } from '../../core/index.ts'
import type { RegistryConfig, RegistryServerOptions } from '../../serve/index.ts'
import type { Store } from '../../store/index.ts'
import { type Command, type CommandContext, defineCommand } from '../command.ts'
import { registryRoot } from '../registry-root.ts'
import { watchSignals } from '../signals.ts'

const flags = {
  listen: {
    kind: 'string',
    placeholder: 'HOST:PORT',
    about: 'Address to listen at; port 0 takes a free one (default "127.0.0.1:5000")',
  },
  root: {
    kind: 'string',
    placeholder: 'DIR',
    completes: 'directory',
    about: 'Folder to keep everything in (default: "registry" in the folder of the store)',
  },
  config: { kind: 'string', placeholder: 'FILE', completes: 'file', about: 'Configuration file (TOML)' },
  insecure: { kind: 'bool', about: 'Serve other machines also without users or without TLS' },
  store: { kind: 'bool', about: 'Serve the images of the local store' },
  'url-file': {
    kind: 'string',
    placeholder: 'FILE',
    completes: 'file',
    about: 'Write the URL to a file once the registry answers',
  },
} as const

/** `slipway registry serve`. Ends with the first signal when all requests are answered, with the second at once. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  description: 'Serve a registry that Docker, Podman, skopeo and Slipway push to and pull from',
  operands: { min: 0, max: 0 },
  flags,
  ownsSignals: true,
  async run(context) {
    const { serveRegistry } = await import('../../serve/index.ts')
    using watch = watchSignals()
    using store = context.flags.store ? await openLocal(context) : undefined
    const options = await optionsOf(context)
    await using server = await serveRegistry({ ...options, ...(store ? { store } : {}) })
    const place = store ? `Serving the images of ${store.layout.root}` : `Keeping images in ${options.root}`
    await context.io.stdout.write(`Listening at ${server.url}\n${place}\n`)
    const file = context.flags['url-file']
    if (file !== undefined) writeWhole(file, `${server.url}\n`)
    await aborted(watch.signal)
    return 0
  },
})

async function optionsOf(context: CommandContext<typeof flags>): Promise<RegistryServerOptions> {
  const { loadConfig } = await import('../../serve/index.ts')
  const { flags } = context
  const config: RegistryConfig = flags.config === undefined ? {} : loadConfig(flags.config)
  if (flags.store && (flags.root ?? config.root) !== undefined) {
    throw fail('USAGE_INVALID', 'conflicting options: --store and --root')
  }
  const listen = flags.listen ?? config.listen
  return {
    root: await registryRoot(context, config),
    config: {
      ...config,
      ...(listen === undefined ? {} : { listen }),
      ...(flags.insecure ? { access: { ...config.access, insecure: true } } : {}),
    },
  }
}

async function openLocal({ globals, env }: CommandContext<typeof flags>): Promise<Store> {
  const { defaultRoot, openStore } = await import('../../store/index.ts')
  return openStore(globals.root ?? defaultRoot(env))
}

/** Whoever waits for the file never sees a part of it. */
function writeWhole(file: string, text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
