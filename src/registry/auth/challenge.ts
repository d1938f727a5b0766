/** One way to authenticate that a server offers (RFC 9110, 11.6.1). */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string
  /** Names in lower case; of a repeated name the first counts. */
  readonly parameters: ReadonlyMap<string, string>
}

const MOST_LENGTH = 16_384
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y
const SPACE = /[ \t]*/y
// what is not quoted may hold what no token may: servers send URLs so
const VALUE = /[^\s,"]+/y

/** The challenges of `WWW-Authenticate`, one header or several, in their order. What cannot be read is left out. */
export function parseChallenges(header: string | readonly string[] | undefined): Challenge[] {
  const lines = typeof header === 'string' ? [header] : (header ?? [])
  return lines.flatMap((line) => new Reader(line.slice(0, MOST_LENGTH)).challenges())
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  challenges(): Challenge[] {
    const result: { scheme: string; parameters: Map<string, string> }[] = []
    while (this.#at < this.#text.length) {
      this.#take(SPACE)
      const name = this.#take(TOKEN)
      if (name === undefined) {
        this.#at++
        continue
      }
      this.#take(SPACE)
      const current = result.at(-1)
      if (current && this.#text[this.#at] === '=') this.#parameter(name, current.parameters)
      else {
        result.push({ scheme: name.toLowerCase(), parameters: new Map() })
        // "Negotiate abc=" has data in place of parameters
        this.#take(TOKEN68)
      }
    }
    return result
  }

  #parameter(name: string, parameters: Map<string, string>): void {
    this.#at++
    this.#take(SPACE)
    const value = this.#text[this.#at] === '"' ? this.#quoted() : (this.#take(VALUE) ?? '')
    const key = name.toLowerCase()
    if (!parameters.has(key)) parameters.set(key, value)
  }

  #quoted(): string {
    let value = ''
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at]!
      if (char === '"') {
        this.#at++
        return value
      }
      value += char === '\\' ? (this.#text[++this.#at] ?? '') : char
    }
    return value
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) return undefined
    this.#at += found.length
    return found
  }
}
