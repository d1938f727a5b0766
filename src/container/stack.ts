import { mkdirSync, rmdirSync } from 'node:fs'
import { type Mount, mount, unmount } from '../host/index.ts'

/**
 * Mounts what a snapshotter describes: mounts with a target are shared by all stacks of this process and stay, the one
 * without is the stack itself and goes to `at`. Only for a private mount namespace.
 */
export class MountedStacks {
  readonly #shared = new Set<string>()

  /** Mounts a stack at the folder `at`, which is made. Disposing takes it away again. */
  mount(mounts: readonly Mount[], at: string): Disposable {
    for (const part of mounts) {
      const target = part.target ?? at
      if (this.#shared.has(target)) continue
      mkdirSync(target, { recursive: true, mode: 0o700 })
      mount(part, target)
      if (part.target) this.#shared.add(target)
    }
    return { [Symbol.dispose]: () => takeAway(at) }
  }
}

function takeAway(target: string): void {
  unmount(target, { detach: true })
  rmdirSync(target)
}
