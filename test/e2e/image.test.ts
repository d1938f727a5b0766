/** Images in TypeScript: the same steps make the same image as a Dockerfile does. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openEngine } from '../../src/engine/index.ts'
import { findProgram } from '../../src/host/index.ts'
import { from, scratch, toDockerfile } from '../../src/image/index.ts'
import { runCommand } from '../command.ts'

let work: string

beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'slipway-image-'))
  mkdirSync(path.join(work, 'context'))
  for (const name of ['a.txt', 'b c.txt']) writeFileSync(path.join(work, 'context', name), name)
})
afterEach(() => rmSync(work, { recursive: true, force: true }))

const app = scratch
  .copy('a.txt', '/a')
  .copy('b c.txt', '/with space/')
  .file('/etc/motd', 'hello\n')
  .env({ A: '1', PATH: '/x:$PATH' })
  .workdir('/srv')
  .cmd(['/a', '--flag'])

const DOCKERFILE = `FROM scratch
COPY a.txt /a
COPY ["b c.txt", "/with space/"]
COPY <<"EOF" /etc/motd
hello
EOF
ENV A=1 PATH=/x:$PATH
WORKDIR /srv
CMD ["/a","--flag"]
`

test('an image in TypeScript is the image of its Dockerfile, from the same cache', async () => {
  using engine = openEngine({ root: path.join(work, 'store') })
  const context = path.join(work, 'context')
  const first = await engine.build({ context, image: app })
  expect(first).toMatchObject({ steps: 4, cachedSteps: 0 })
  const second = await engine.build({ context, dockerfile: { name: 'Dockerfile', text: DOCKERFILE } })
  expect(second).toMatchObject({ id: first.id, steps: 4, cachedSteps: 4 })
  const third = await engine.build({ context, dockerfile: { name: 'Dockerfile', text: toDockerfile(app) } })
  expect(third).toMatchObject({ id: first.id, cachedSteps: 4 })
})

const MODULE = `import { from, scratch } from 'slipway/image'
export default ({ buildArgs }: { buildArgs: Record<string, string> }) =>
  scratch.copy('a.txt', buildArgs['TO'] ?? '/a').label({ made: 'by a module' })
`

describe('slipway build app.image.ts', () => {
  const build = (...args: string[]) => runCommand(['build', ...args], { root: path.join(work, 'store'), cwd: work })

  test('builds what the module exports, in its folder', async () => {
    writeFileSync(path.join(work, 'context/app.image.ts'), MODULE)
    const { exitCode, stderr } = await build('-t', 'made', '--build-arg', 'TO=/z', 'context/app.image.ts')
    expect(stderr).toContain('COPY a.txt /z')
    expect(exitCode).toBe(0)
    const same = await build('-q', '--build-arg', 'TO=/z', '-f', 'context/app.image.ts', 'context')
    using engine = openEngine({ root: path.join(work, 'store') })
    expect(engine.images.list().find((image) => image.tags.includes('made:latest'))?.id).toBe(
      same.stdout.toString().trim(),
    )
  })

  test('says what is wrong with a module', async () => {
    writeFileSync(path.join(work, 'bad.image.ts'), 'export default 1')
    const { exitCode, stderr } = await build('bad.image.ts')
    expect(exitCode).toBe(1)
    expect(stderr).toContain('bad.image.ts has no image as its default export')
  })
})

describe.skipIf(process.getuid?.() !== 0 || findProgram('busybox') === undefined)('with RUN (root, busybox)', () => {
  test('stages, steps that run, and scripts', async () => {
    using engine = openEngine({ root: path.join(work, 'store') })
    await engine.bootstrap({ what: 'busybox' })
    const made = from('busybox').run('mkdir /out\necho made > /out/file').as('make')
    const image = from('busybox').copyFrom(made, '/out/file', '/file').run('cat /file > /seen')
    const context = path.join(work, 'context')
    const { id } = await engine.build({ context, image })
    const text = `FROM busybox AS make
RUN <<EOF
mkdir /out
echo made > /out/file
EOF
FROM busybox
COPY --from=make /out/file /file
RUN cat /file > /seen
`
    expect(await engine.build({ context, dockerfile: { name: 'D', text } })).toMatchObject({
      id,
      steps: 2,
      cachedSteps: 2,
    })
  })
})
