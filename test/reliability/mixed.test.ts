/** Eight processes on one store that build in all ways there are, and prune what the others have just made. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../command.ts'
import { checkLayout, checkStore, heldLocks, problemsOf } from './check.ts'
import { runtimeFolder, runtimeLeftovers, tracesAfter } from './traces.ts'

const canRun = process.getuid?.() === 0
const work = mkdtempSync(path.join(os.tmpdir(), 'slipway-mixed-'))
const root = path.join(work, 'store')
const context = path.join(work, 'context')
const run = (args: readonly string[]) => runCommand(args, { root, limitSeconds: 120 })

const PROCESSES = 8
const ROUNDS = 4

// two that have the locked cache at once would see one another's file
const DOCKERFILE = `
FROM busybox AS one
ARG N
RUN --mount=type=cache,id=shared,target=/c echo $N > /c/$N; echo $N > /n
FROM busybox AS two
ARG N
RUN --mount=type=cache,id=locked,sharing=locked,target=/c \\
  test ! -e /c/busy && touch /c/busy && sleep 0.05 && rm /c/busy; echo $N > /m
FROM busybox
COPY f /f
COPY --from=one /n /n
COPY --link --from=two /m /m
`
const PLATFORMS = 'FROM scratch\nARG N\nARG TARGETARCH\nCOPY f /f-$TARGETARCH-$N\n'

beforeAll(async () => {
  if (!canRun) return
  mkdirSync(path.join(context, 'f'), { recursive: true })
  for (let at = 0; at < 50; at++) writeFileSync(path.join(context, 'f', `f${at}`), `${at}\n`.repeat(50))
  writeFileSync(path.join(context, 'Dockerfile'), DOCKERFILE)
  writeFileSync(path.join(context, 'Dockerfile.platforms'), PLATFORMS)
  expect(await run(['bootstrap', 'busybox'])).toMatchObject({ exitCode: 0 })
}, 60_000)
afterAll(() => {
  for (const folder of [work, runtimeFolder(root)]) rmSync(folder, { recursive: true, force: true })
})

/** What one of the processes does in one of its rounds. */
function commandOf(who: number, round: number): readonly string[] {
  const n = (round * 3 + who) % 4
  const build = (...more: string[]): string[] => ['build', '-q', '--build-arg', `N=${n}`, ...more, context]
  const [cache, out] = ['cache', `out-${who}`].map((name) => path.join(work, name))
  const several = ['-f', path.join(context, 'Dockerfile.platforms'), '--platform', 'linux/amd64,linux/arm64']
  const commands = [
    build('-t', `image-${n}`),
    ['builder', 'prune', '-f'],
    build('--cache-from', `type=local,src=${cache}`, '--cache-to', `type=local,dest=${cache},mode=max`),
    build('--no-cache', '-t', `anew-${who}`),
    ['image', 'prune', '-f'],
    build(...several, '-t', `several-${n}`),
    build('-o', `type=oci,dest=${out}.tar`, '-o', `type=local,dest=${out}`),
    ['cachemount', 'prune', '-f'],
    build('--sbom=true', '--provenance=mode=max', '-t', `attested-${n}`),
    ['builder', 'prune', '-af'],
    ['builds', 'ls', '-q'],
    ['builder', 'du'],
  ]
  return commands[(round * 7 + who * 5) % commands.length]!
}

test.skipIf(!canRun)(
  'nobody fails, nobody waits for ever, and everything is in order (needs root)',
  async () => {
    const worker = async (who: number): Promise<void> => {
      for (let round = 0; round < ROUNDS; round++) {
        const args = commandOf(who, round)
        const { exitCode, stderr } = await run(args)
        expect(exitCode, `${args.join(' ')}: ${stderr}`).toBe(0)
      }
    }
    await Promise.all(Array.from({ length: PROCESSES }, (_, who) => worker(who)))
    expect(await tracesAfter(root)).toEqual([])
    expect(heldLocks(root, runtimeFolder(root))).toEqual([])
    expect(await run(['image', 'prune', '-f'])).toMatchObject({ exitCode: 0 })
    const findings = checkStore(root)
    expect([...problemsOf(findings), ...findings.leftovers, ...runtimeLeftovers(root)]).toEqual([])
    expect(problemsOf(checkLayout(path.join(work, 'cache')))).toEqual([])
  },
  300_000,
)
