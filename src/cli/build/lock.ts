import type { BuildRequest, Engine, Job, LockReport } from '../../engine/index.ts'
import { escapeMessage } from '../render/escape.ts'

/** What `--update-lock` means without a value. */
const EVERYTHING = '*'

/** Writes the lock anew, or what `--update-lock=NAME,NAME` names in it, before a build goes by it; says what changed. */
export async function updateLock(
  engine: Engine,
  names: string | undefined,
  request: BuildRequest,
  job: Job,
): Promise<string> {
  if (names === undefined) return ''
  const update = names === EVERYTHING ? {} : { update: names.split(',') }
  return renderLock(await engine.lock({ ...request, ...update }, job))
}

/** What a lock came to, a line for each entry that changed. */
export function renderLock({ file, changes }: LockReport): string {
  const name = file.slice(file.lastIndexOf('/') + 1)
  if (changes.length === 0) return `${name}: nothing changed\n`
  const lines = changes.map(({ name, before, after }) => {
    const sign = before === undefined ? '+' : after === undefined ? '-' : '~'
    const values = [before, after].filter((value) => value !== undefined).map(short)
    return `  ${sign} ${escapeMessage(name)} ${values.join(' -> ')}\n`
  })
  return `${name}: ${changes.length} ${changes.length === 1 ? 'change' : 'changes'}\n${lines.join('')}`
}

/** Twelve digits of a digest or a commit, as in lists. */
const short = (value: string): string => value.replace(/^(\w+:)?(\w{12})\w*$/, '$1$2')
