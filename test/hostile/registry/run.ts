/*
 * Plays a hostile registry of somebody else's against our client, one process of it for each behaviour, and prints what
 * became of each pull: node test/hostile/registry/run.ts PROGRAM [--only r03,r04]
 * The program listens on the ports that its two arguments name, and chooses its behaviour by the repository's name, which
 * begins with the number of the behaviour (behaviours.ts has them all). It is no part of this project.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { judge } from './expectations.ts'
import { pull } from './pull.ts'

const { positionals, values } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' } } })
const [program] = positionals

if (program === undefined || !existsSync(program)) console.log('no hostile registry is here: nothing to play')
else process.exitCode = await play(program)

async function play(program: string): Promise<number> {
  const names = new Set(readFileSync(program, 'utf8').match(/\br\d\d-[a-z0-9-]+/g))
  const only = values.only?.split(',')
  let bad = 0
  for (const repository of [...names].toSorted()) {
    if (only && !only.includes(repository.slice(0, 3))) continue
    bad += (await playOne(program, repository)) ? 0 : 1
  }
  console.log(bad === 0 ? 'all as it should be' : `${bad} not as it should be`)
  return bad === 0 ? 0 : 1
}

async function playOne(program: string, repository: string): Promise<boolean> {
  const [port, peer] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, [program, String(port), String(peer)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => said.push(text))
  try {
    await answering(child, port)
    const outcome = await pull({ host: `127.0.0.1:${port}`, repository, ref: 'latest' })
    const leaks = said
      .join('')
      .split('\n')
      .filter((line) => /"auth":"/.test(line) && !line.includes('/v2/'))
    const problems = [...judge(repository, outcome), ...leaks.map((line) => `told the other host: ${line}`)]
    const requests = said.join('').split('\n').length - 1
    const head = `${repository.padEnd(28)} ${problems.length === 0 ? 'ok ' : 'BAD'} ${outcome.seconds.toFixed(1)} s`
    console.log(`${head} ${outcome.result} ${outcome.message.slice(0, 160)} (${requests} noted)`)
    for (const problem of problems) console.log(`      ! ${problem}`)
    return problems.length === 0
  } finally {
    child.kill()
  }
}

async function answering(child: ChildProcess, port: number): Promise<void> {
  for (let at = 0; at < 200 && child.exitCode === null; at++) {
    const answered = await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined)
    if (answered) return
    await sleep(25)
  }
  throw new Error('the hostile registry does not answer')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
