import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fail, messageOf } from '../../core/index.ts'
import type { BuildReport } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { createDemo, type Demo } from '../demo/demo.ts'
import { shareImage } from '../demo/registry.ts'
import { humanSize } from '../render/sizes.ts'
import { jobOf, withEngine } from '../session.ts'

const BASE = 'debian:bookworm'
const IMAGE = 'slipway-demo/nginx'
const CONTAINER = 'slipway-demo'

/** The folder of an example: beside the bundle, or at the top of the source tree. */
function exampleFolder(name: string): string {
  const here = path.dirname(fileURLToPath(import.meta.url))
  const found = ['..', '../../..']
    .map((up) => path.join(here, up, 'examples', name))
    .find((folder) => existsSync(folder))
  if (found) return found
  throw fail('CONTEXT_MISSING', `the example "${name}" is not part of this installation`)
}

async function makeBase({ engine, say, watch }: Demo): Promise<void> {
  if (engine.images.list({ reference: [BASE] }).length > 0) {
    await say(`\n1. The base image ${BASE} is in the store already.`)
    return
  }
  await say(`\n1. A base image: ${BASE} is put together from Debian's own packages (no registry needed).`)
  await watch((job) => engine.bootstrap({ what: BASE }, job))
}

async function buildTwice({ engine, say, watch }: Demo): Promise<BuildReport> {
  const context = exampleFolder('nginx')
  const request = { context, tags: [IMAGE] }
  await say(`\n2. slipway build -t ${IMAGE} examples/nginx`)
  const first = await watch((job) => engine.build(request, job))
  await say(
    `   ${first.steps} steps that make layers, ${first.cachedSteps} of them from the cache: image ${first.id.slice(7, 19)}`,
  )
  await say('\n3. The same build again: nothing has changed, so nothing is done.')
  const begin = performance.now()
  const second = await watch((job) => engine.build(request, job))
  const time = Math.round(performance.now() - begin)
  await say(
    `   ${second.cachedSteps} of ${second.steps} steps from the cache, in ${time} ms; the image id is the same: ${second.id === first.id ? 'yes' : 'NO'}`,
  )
  if (second.id !== first.id || second.cachedSteps !== second.steps)
    throw fail('INTERNAL', 'the second build was not all cache hits')
  return second
}

async function showHistory({ engine, say }: Demo): Promise<void> {
  await say('\n4. Its history and layers, newest first (slipway history):')
  for (const row of engine.images.history(IMAGE)) {
    const what = row.createdBy
      .replace(/^RUN \/bin\/sh -c /, 'RUN ')
      .replace(/ # buildkit$/, '')
      .replaceAll(/\s+/g, ' ')
    await say(`   ${humanSize(row.bytes, 3).padStart(8)}  ${what.slice(0, 90)}`)
  }
}

/** Port 80 as the image has it, or another one where that is taken: then nginx gets a site of its own. */
async function serve({ engine, say, watch }: Demo): Promise<void> {
  const port = await freePort([80, 8080, 0])
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-demo-'))
  const site = path.join(folder, 'default')
  writeFileSync(site, `server { listen ${port}; root /var/www/html; }\n`)
  const target = '/etc/nginx/sites-available/default'
  const mounts = port === 80 ? [] : [{ type: 'bind' as const, source: site, target, readonly: true }]
  await engine.containers.remove(CONTAINER, { force: true }).catch(() => {})
  await say(`\n5. slipway run -d --name ${CONTAINER} ${IMAGE}, then fetch http://127.0.0.1:${port}/`)
  try {
    engine.containers.create({ image: IMAGE, name: CONTAINER, mounts })
    await watch((job) => engine.containers.start(CONTAINER, {}, job))
    const page = await fetchPage(`http://127.0.0.1:${port}/`)
    await say(`   ${/<h1>(.*)<\/h1>/.exec(page)?.[1] ?? page.slice(0, 80)}`)
    if (!page.includes('no daemon built')) throw fail('INTERNAL', 'the page is not the one of the image')
    await engine.containers.stop(CONTAINER, { seconds: 5 })
  } finally {
    await engine.containers.remove(CONTAINER, { force: true }).catch(() => {})
    rmSync(folder, { recursive: true, force: true })
  }
}

async function freePort(candidates: readonly number[]): Promise<number> {
  for (const port of candidates) {
    const server = createServer()
    const found = await new Promise<number>((resolve) => {
      server.once('error', () => resolve(-1))
      server.listen(port, '0.0.0.0', () => resolve((server.address() as { port: number }).port))
    })
    await new Promise((resolve) => server.close(resolve))
    if (found > 0) return found
  }
  throw fail('INTERNAL', 'no port is free')
}

/** The server needs a moment to listen. */
async function fetchPage(url: string): Promise<string> {
  let problem = ''
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      return await (await fetch(url)).text()
    } catch (error) {
      problem = messageOf(error)
      await sleep(100)
    }
  }
  throw fail('DOWNLOAD_FAILED', `nginx does not answer on ${url}: ${problem}`)
}

/** `slipway demo`. */
export const command: Command = defineCommand({
  usage: '',
  description:
    'Make a Debian base, build an nginx image from it, show its layers, run it, fetch its page, push it and pull it',
  operands: { min: 0, max: 0 },
  flags: {},
  run: (context) =>
    withEngine(context, async (engine) => {
      const demo = createDemo(engine, context)
      const { root } = await engine.info(jobOf(context))
      await demo.say(`Slipway's main job, on real input. Everything is kept in ${root}.`)
      await makeBase(demo)
      await buildTwice(demo)
      await showHistory(demo)
      await serve(demo)
      await shareImage(demo, IMAGE)
      await demo.say(
        `\nDone: a base was made, an image was built from a Dockerfile, ran, answered, was stopped,\n` +
          `and went to a registry and back.\n` +
          `What is left: the images ${BASE} and ${IMAGE} (slipway images). Try: slipway run --rm -it ${IMAGE} bash`,
      )
      return 0
    }),
})
