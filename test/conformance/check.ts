import type { Target } from './target.ts'

/** One thing that a registry must do. */
export interface Check {
  readonly name: string
  /** Throws, with words, when the registry does not do it. */
  run(target: Target): Promise<void>
}

/** Something that several checks need and that is done once for each target. */
export function once<T>(make: (target: Target) => Promise<T>): (target: Target) => Promise<T> {
  const made = new WeakMap<Target, Promise<T>>()
  return (target) => {
    let value = made.get(target)
    if (!value) {
      value = make(target)
      made.set(target, value)
    }
    return value
  }
}
