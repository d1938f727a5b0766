import type { Change, ChangeListener } from './storage.ts'

/** Those that listen to the changes of one storage. */
export class Listeners {
  readonly #all: ChangeListener[] = []

  add(listener: ChangeListener): void {
    this.#all.push(listener)
  }

  /** Any of them may stop the change. */
  before(change: Change): void {
    for (const listener of this.#all) listener.before?.(change)
  }

  after(change: Change): void {
    for (const listener of this.#all) listener.after?.(change)
  }
}
