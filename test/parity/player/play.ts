import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { playBuild } from './build-step.ts'
import { playCheck, playExpect } from './checks.ts'
import { bytesOf, type Step, type StepCase, Unplayable, type Value } from './document.ts'
import { playLint } from './lint.ts'
import { Scene } from './scene.ts'
import type { Tool } from './tool.ts'
import { evaluate } from './values.ts'

/** What became of a case. */
export interface Verdict {
  result: 'pass' | 'fail' | 'unplayable'
  reason?: string
}

/** Plays a case step by step, until the first that goes wrong. */
export async function playCase(each: StepCase, tool: Tool, work: string): Promise<Verdict> {
  await tool.begin()
  try {
    await using scene = await Scene.open(each, tool, work)
    for (const step of each.steps) {
      const wrong = await playStep(step, scene)
      if (wrong !== undefined) return { result: 'fail', reason: `${placeOf(step)}${wrong}` }
    }
    return { result: 'pass' }
  } catch (error) {
    if (error instanceof Unplayable) return { result: 'unplayable', reason: error.message }
    return { result: 'fail', reason: String((error as Error).stack ?? error).slice(0, 600) }
  }
}

const placeOf = ({ line, of }: Step): string =>
  `${line === undefined ? '' : `line ${line}: `}${typeof of === 'string' ? `${of}: ` : ''}`

async function playStep(step: Step, scene: Scene): Promise<string | undefined> {
  switch (step.op) {
    case 'build':
      await playBuild(step, scene)
      return undefined
    case 'expect':
      return playExpect(step, scene)
    case 'check':
      return playCheck(step, scene)
    case 'lint':
      return playLint(step, scene)
    case 'docker':
      await playCommand(step, scene)
      return undefined
    case 'write':
      write(step, scene)
      return undefined
    case 'prune':
      await scene.tool.command(['builder', 'prune', '--all', '--force'])
      return undefined
    default:
      throw new Unplayable(`step ${step.op}`)
  }
}

async function playCommand(step: Step, scene: Scene): Promise<void> {
  const args = (await evaluate((step['args'] ?? []) as Value, scene)) as readonly string[]
  const [name = '', ...rest] = args
  // nothing that is run needs a network, and the reference has no bridge
  const words = name === 'run' ? [name, '--network', 'none', ...rest.filter((word) => word !== '-t')] : args
  scene.outcomes.set(String(step['id']), await scene.tool.command(words, { cwd: scene.folder }))
}

function write(step: Step, scene: Scene): void {
  const file = scene.placeOf(step['path'] ?? null)
  mkdirSync(path.dirname(file), { recursive: true })
  const content = step['content']
  writeFileSync(file, bytesOf(typeof content === 'string' ? scene.fill(content) : content))
}
