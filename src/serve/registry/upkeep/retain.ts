import { type Digest, yieldToEvents } from '../../../core/index.ts'
import { ProtocolFailure } from '../failure.ts'
import type { FolderStorage } from '../folder/folder.ts'
import { judgeTags, type RetentionRule, ruleFor, type TagVerdict } from './retention.ts'
import { writeState } from './state.ts'

/** What the registry is called in records of tags that retention took. */
export const RETAINER = 'registry:retention'

/** What retention says about one repository. */
export interface RetentionReport {
  repository: string
  verdicts: TagVerdict[]
}

/** What a run took. */
export interface RetentionRun {
  startedAt: number
  finishedAt: number
  repositories: number
  kept: number
  deleted: number
}

/** Retention for the folder of a registry. */
export interface Retention {
  readonly rules: readonly RetentionRule[]
  /** What the rules say about a repository; `undefined` when none is about it. Changes nothing. */
  judge(repository: string): RetentionReport | undefined
  /** All repositories that rules are about, one after another. Changes nothing. */
  preview(): AsyncIterable<RetentionReport>
  /** Takes away the tags that no rule keeps. Their images go when collection finds them. */
  run(): Promise<RetentionRun>
}

const PAGE = 100

export function createRetention(
  storage: FolderStorage,
  rules: readonly RetentionRule[],
  isImmutable: (repository: string, tag: string) => boolean,
): Retention {
  const judge = (repository: string): RetentionReport | undefined => {
    const rule = ruleFor(rules, repository)
    if (!rule) return undefined
    const immutable = (tag: string): boolean => isImmutable(repository, tag)
    return { repository, verdicts: judgeTags(rule, tagFacts(storage, repository), { now: Date.now(), immutable }) }
  }
  async function* preview(): AsyncGenerator<RetentionReport> {
    if (rules.length === 0) return
    storage.flush()
    for await (const repository of allRepositories(storage)) {
      const report = judge(repository)
      if (report) yield report
    }
  }
  return { rules, judge, preview, run: () => runRetention(storage, preview()) }
}

async function runRetention(storage: FolderStorage, reports: AsyncIterable<RetentionReport>): Promise<RetentionRun> {
  const run = { startedAt: Date.now(), finishedAt: 0, repositories: 0, kept: 0, deleted: 0 }
  for await (const { repository, verdicts } of reports) {
    run.repositories++
    for (const { tag, keep } of verdicts) {
      const gone = !keep && (await removeTag(storage, repository, tag.name, tag.digest, tag.pushedAt))
      if (gone) run.deleted++
      else run.kept++
    }
  }
  run.finishedAt = Date.now()
  writeState(storage.database, 'retention.last', run)
  return run
}

/** Stops the removal of a tag that was pushed again meanwhile. */
class Pushed extends Error {}

async function removeTag(
  storage: FolderStorage,
  repository: string,
  tag: string,
  digest: Digest,
  pushedAt: number,
): Promise<boolean> {
  const check = (): void => {
    const now = storage.database.get<{ digest: Digest; updated_at: number }>(
      'SELECT t.digest, t.updated_at FROM tags t JOIN repositories r ON r.id = t.repo WHERE r.name = ? AND t.name = ?',
      ...[repository, tag],
    )
    if (now?.digest !== digest || now.updated_at !== pushedAt) throw new Pushed()
  }
  try {
    return await storage.repository(repository).deleteTag(tag, { by: RETAINER, check })
  } catch (error) {
    if (error instanceof Pushed || error instanceof ProtocolFailure) return false
    throw error
  }
}

async function* allRepositories(storage: FolderStorage): AsyncGenerator<string> {
  let last = ''
  for (;;) {
    const names = storage.repositories({ last, limit: PAGE })
    for (const name of names) {
      yield name
      await yieldToEvents()
    }
    if (names.length < PAGE) return
    last = names.at(-1)!
  }
}

function tagFacts(storage: FolderStorage, repository: string): TagVerdict['tag'][] {
  const rows = storage.database.all<{ name: string; digest: Digest; pushedAt: number; pulledAt: number | null }>(
    `SELECT t.name, t.digest, t.updated_at AS pushedAt, m.pulled_at AS pulledAt
     FROM repositories r JOIN tags t ON t.repo = r.id JOIN manifests m ON m.repo = t.repo AND m.digest = t.digest
     WHERE r.name = ? ORDER BY t.name`,
    repository,
  )
  return rows.map((row) => ({ ...row, pulledAt: row.pulledAt ?? undefined }))
}
