import { createHmac, randomBytes } from 'node:crypto'
import type { MemoStore } from '../../store/index.ts'
import type { Vertex } from '../graph.ts'
import type { KeyPart } from '../key-part.ts'
import { SHORTEST_SECRET, soundsSecret } from '../secret-values.ts'

const HIDDEN = /hidden-[0-9a-f]{12}/g
const CREDENTIALS = /(\w:\/\/)[^/@\s]*@/g

/**
 * Takes secrets out of what is kept: values of variables whose names say so, wherever they occur, and passwords in
 * URLs. What stands for a value tells whether it has changed, and only in the store where it was made.
 */
export class Redactor {
  readonly #salt: Buffer
  readonly #secrets: Set<string>

  /** `secrets` are values that are known beforehand. */
  constructor(memos: MemoStore, secrets: Iterable<string> = []) {
    this.#salt = saltOf(memos)
    this.#secrets = new Set([...secrets].filter((value) => value.length >= SHORTEST_SECRET))
  }

  /** Gets to know the secrets of everything that this vertex needs. */
  learn(vertex: Vertex): void {
    const seen = new Set<Vertex>()
    const pending = [vertex]
    for (let next = pending.pop(); next; next = pending.pop()) {
      if (seen.has(next)) continue
      seen.add(next)
      this.#learn(next.op as unknown as KeyPart)
      pending.push(...next.inputs)
    }
  }

  /** A part of a key document without secrets. */
  document(part: KeyPart): KeyPart {
    return this.#redact(part)
  }

  text(text: string): string {
    let shown = text
    for (const secret of [...this.#secrets].sort((a, b) => b.length - a.length))
      shown = shown.replaceAll(secret, this.#hidden(secret))
    return shown.replace(CREDENTIALS, '$1')
  }

  #learn(part: KeyPart): void {
    if (typeof part !== 'object' || part === null) return
    for (const [name, value] of Object.entries(part)) {
      if (name === 'env' && Array.isArray(value)) this.#learnEnv(value)
      else this.#learn(value)
    }
  }

  #learnEnv(pairs: readonly KeyPart[]): void {
    for (const pair of pairs) {
      const [name, value] = pairOf(String(pair))
      if (soundsSecret(name) && value.length >= SHORTEST_SECRET) this.#secrets.add(value)
    }
  }

  #redact(part: KeyPart): KeyPart {
    if (typeof part === 'string') return this.text(part)
    if (Array.isArray(part)) return part.map((each) => this.#redact(each))
    if (typeof part !== 'object' || part === null) return part
    const entries = Object.entries(part).map(([name, value]) => [
      name,
      name === 'env' && Array.isArray(value) ? value.map((pair) => this.#pair(String(pair))) : this.#redact(value),
    ])
    return Object.fromEntries(entries) as KeyPart
  }

  #pair(pair: string): string {
    const [name, value] = pairOf(pair)
    return soundsSecret(name) && value !== '' ? `${name}=${this.#hidden(value)}` : this.text(pair)
  }

  #hidden(value: string): string {
    return `hidden-${createHmac('sha256', this.#salt).update(value).digest('hex').slice(0, 12)}`
  }
}

/** How a value that was taken out is shown. */
export function masked(text: string): string {
  return text.replace(HIDDEN, '****')
}

/** `NAME=value` in two. */
export function pairOf(pair: string): [string, string] {
  const cut = pair.indexOf('=')
  return cut < 0 ? [pair, ''] : [pair.slice(0, cut), pair.slice(cut + 1)]
}

function saltOf(memos: MemoStore): Buffer {
  const known = memos.get('salt', 'documents')
  if (known) return Buffer.from(known)
  const fresh = randomBytes(32)
  memos.set('salt', 'documents', fresh)
  return fresh
}
