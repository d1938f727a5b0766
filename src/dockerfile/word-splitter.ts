import { isSpace } from './space.ts'

/** Splits what is added at white space. The word being built lies in `buffer`, which several may share. */
export class WordSplitter {
  readonly #words: string[] = []
  readonly #buffer: { word: string }
  #inWord = false

  constructor(buffer: { word: string }) {
    this.#buffer = buffer
  }

  /** Adds text that is not split, and gives it back. */
  addWhole(text: string): string {
    this.#buffer.word += text
    this.#inWord = true
    return text
  }

  /** Adds text that is split, and gives it back. */
  addSplit(text: string): string {
    let start = 0
    for (let i = 0; i < text.length; i++) {
      if (!isSpace(text.charCodeAt(i))) continue
      if (i > start) this.addWhole(text.slice(start, i))
      if (this.#inWord) this.#endWord()
      start = i + 1
    }
    if (start < text.length) this.addWhole(text.slice(start))
    return text
  }

  /** Ends the last word, and gives all of them. */
  end(): string[] {
    this.#endWord()
    return this.#words
  }

  #endWord(): void {
    if (this.#buffer.word === '') return
    this.#words.push(this.#buffer.word)
    this.#buffer.word = ''
    this.#inWord = false
  }
}
