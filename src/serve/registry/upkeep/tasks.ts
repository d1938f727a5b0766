import type { RegistryDatabase } from '../folder/database.ts'

/** Work that a command may ask of the server that has the folder. */
export type TaskKind = 'gc' | 'gc-preview' | 'retention' | 'retention-preview' | 'scrub'

/** What is done for each kind; the answer must survive JSON. */
export type TaskWork = Readonly<Partial<Record<TaskKind, () => unknown>>>

/** Milliseconds between looks. */
const STEP = 500
/** Milliseconds after which an answer that nobody fetched is removed. */
const OLD = 3_600_000

/** Does what other processes ask for through the tables, until the result is disposed. */
export function serveTasks(db: RegistryDatabase, work: TaskWork): AsyncDisposable {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= doOpenTasks(db, work).finally(() => {
      running = undefined
    })
  }, STEP).unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await running
    },
  }
}

async function doOpenTasks(db: RegistryDatabase, work: TaskWork): Promise<void> {
  const open = db.all<{ id: number; kind: TaskKind }>(
    'SELECT id, kind FROM upkeep_tasks WHERE done_at IS NULL ORDER BY id',
  )
  for (const { id, kind } of open) {
    const result = await attempt(work[kind])
    db.run('UPDATE upkeep_tasks SET done_at = ?, result = ? WHERE id = ?', Date.now(), JSON.stringify(result), id)
  }
  if (open.length > 0) db.run('DELETE FROM upkeep_tasks WHERE done_at < ?', Date.now() - OLD)
}

/** The result of a task, or why there is none. */
export type TaskResult = { done: unknown } | { failed: string }

async function attempt(work: (() => unknown) | undefined): Promise<TaskResult> {
  if (!work) return { failed: 'the server does not do that: it serves the local store, or is of another version' }
  try {
    return { done: await work() }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) }
  }
}

/** Asks the server that has the folder to do something, and waits for it, as long as there is a server. */
export async function askServer(
  db: RegistryDatabase,
  kind: TaskKind,
  { isServed, signal }: { isServed: () => boolean; signal: AbortSignal },
): Promise<TaskResult> {
  const sql = "INSERT INTO upkeep_tasks (kind, options, asked_at) VALUES (?, '{}', ?) RETURNING id"
  const { id } = db.get<{ id: number }>(sql, kind, Date.now())!
  try {
    for (;;) {
      signal.throwIfAborted()
      const row = db.get<{ result: string | null }>('SELECT result FROM upkeep_tasks WHERE id = ?', id)
      if (row?.result) return JSON.parse(row.result) as TaskResult
      if (!isServed()) return { failed: 'the server has stopped' }
      await new Promise((resolve) => setTimeout(resolve, STEP / 2))
    }
  } finally {
    db.run('DELETE FROM upkeep_tasks WHERE id = ?', id)
  }
}
