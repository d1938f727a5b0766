import type { Glob, GlobPart, Place } from './glob-syntax.ts'

/** Matches the pattern of one glob against paths. Time is linear in the path, whatever the pattern. */
export interface GlobAutomaton {
  /** Whether the whole path matches. */
  matches(path: string): boolean
  /** Whether any path that begins with `prefix` may match; true when in doubt. */
  mayMatchBelow(prefix: string): boolean
}

/** Places in the pattern at which the matching may stand, with the steps from there that were taken before. */
interface State {
  readonly at: readonly number[]
  readonly accepts: boolean
  readonly next: Map<number, State>
}

/** States and steps that may be remembered; beyond, they are forgotten and made again. */
const MAX_REMEMBERED = 10_000
/** The same for the places that all remembered states hold together. */
const MAX_PLACES = 1_000_000

/**
 * Builds the automaton. Place `2i` stands before part `i`; `2i + 1` inside of it, for `directories`, which goes through
 * any characters up to a slash.
 */
export function buildAutomaton(glob: Glob): GlobAutomaton {
  const hasPlaces = glob.parts.some(({ kind }) => kind === 'at')
  return hasPlaces ? new SteppingAutomaton(glob) : new RememberingAutomaton(glob)
}

/** For patterns without conditions: sets of places become states, and a step that was taken once is a look-up. */
class RememberingAutomaton implements GlobAutomaton {
  readonly #glob: Glob
  readonly #states = new Map<string, State>()
  #remembered = 0
  #places = 0
  #start: State

  constructor(glob: Glob) {
    this.#glob = glob
    this.#start = this.#stateOf(closure(glob.parts, [0], NOWHERE))
  }

  matches(path: string): boolean {
    const state = this.#run(path)
    return state?.accepts === true
  }

  mayMatchBelow(prefix: string): boolean {
    return this.#run(prefix) !== undefined
  }

  #run(text: string): State | undefined {
    let state = this.#start
    for (let i = 0; i < text.length; i++) {
      if (!this.#glob.endsPath && state.accepts) return state
      const code = text.codePointAt(i)!
      if (code > 0xffff) i++
      state = state.next.get(code) ?? this.#step(state, code)
      if (state.at.length === 0) return undefined
    }
    return state
  }

  #step(state: State, code: number): State {
    const next = this.#stateOf(closure(this.#glob.parts, consume(this.#glob.parts, state.at, code), NOWHERE))
    state.next.set(code, next)
    this.#remember(0)
    return next
  }

  #stateOf(at: readonly number[]): State {
    const key = at.join()
    const known = this.#states.get(key)
    if (known) return known
    const state = { at, accepts: at.at(-1) === this.#glob.parts.length * 2, next: new Map<number, State>() }
    this.#remember(at.length)
    this.#states.set(key, state)
    return state
  }

  #remember(places: number): void {
    this.#remembered++
    this.#places += places
    if (this.#remembered < MAX_REMEMBERED && this.#places < MAX_PLACES) return
    this.#remembered = 0
    this.#places = 0
    this.#states.clear()
    this.#start = { ...this.#start, next: new Map() }
  }
}

/** For the rare patterns that ask where words begin: every step looks at the characters on both sides. */
class SteppingAutomaton implements GlobAutomaton {
  readonly #glob: Glob

  constructor(glob: Glob) {
    this.#glob = glob
  }

  matches(path: string): boolean {
    const { parts, endsPath } = this.#glob
    const codes = Array.from(path, (char) => char.codePointAt(0)!)
    let at: readonly number[] = [0]
    for (let i = 0; i <= codes.length; i++) {
      at = closure(parts, at, { before: codes[i - 1], after: codes[i] })
      const accepts = at.at(-1) === parts.length * 2
      if (accepts && (i === codes.length || !endsPath)) return true
      if (i < codes.length) at = consume(parts, at, codes[i]!)
    }
    return false
  }

  mayMatchBelow(): boolean {
    return true
  }
}

/** The characters around a place; none at the ends of the path. */
interface Surroundings {
  before: number | undefined
  after: number | undefined
}

const NOWHERE: Surroundings = { before: undefined, after: undefined }

/** All places that are reached without taking a character, in rising order. */
function closure(parts: readonly GlobPart[], places: readonly number[], around: Surroundings): number[] {
  const reached = new Set<number>()
  const pending = [...places]
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (reached.has(at)) continue
    reached.add(at)
    const part = at % 2 === 0 ? parts[at / 2] : undefined
    if (part?.kind === 'directories') pending.push(at + 1)
    if (part && canSkip(part, around)) pending.push(at + 2)
  }
  return [...reached].sort((a, b) => a - b)
}

function canSkip(part: GlobPart, around: Surroundings): boolean {
  return part.kind === 'at' ? holds(part.place, around) : part.kind !== 'one'
}

function holds(place: Place, { before, after }: Surroundings): boolean {
  if (place === 'start') return before === undefined
  if (place === 'end') return after === undefined
  return (isWordChar(before) !== isWordChar(after)) === (place === 'boundary')
}

function isWordChar(code: number | undefined): boolean {
  return code !== undefined && code < 0x80 && /\w/.test(String.fromCharCode(code))
}

/** The places behind one character. */
function consume(parts: readonly GlobPart[], places: readonly number[], code: number): number[] {
  const next: number[] = []
  for (const at of places) {
    const part = parts[at >> 1]
    if (at % 2 === 1) {
      if (code !== 0x0a) next.push(at)
      if (code === 0x2f) next.push(at + 1)
    } else if (part?.kind === 'one' && part.has(code)) next.push(at + 2)
    else if (part?.kind === 'many' && part.has(code)) next.push(at)
  }
  return next
}
