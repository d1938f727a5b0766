/** What one case has made so far: folders, outputs, servers. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import path from 'node:path'
import { isObject, type StepCase, Unplayable, type Value } from './document.ts'
import { type Server, serve } from './server.ts'
import type { Outcome, Tool } from './tool.ts'

export class Scene implements AsyncDisposable {
  readonly tool: Tool
  /** How builds and commands ended, by the id of the step. */
  readonly outcomes: Map<string, Outcome> = new Map()
  /** Ids of images, by name and the step after which that was its id: `name after`. */
  readonly imageIds: Map<string, string> = new Map()
  /** The image of the last build that had a name. */
  lastImage = ''
  readonly folder: string
  readonly #servers: ReadonlyMap<string, Server>
  readonly #contexts = new Map<string, string>()
  #lastContext = ''

  private constructor(tool: Tool, folder: string, servers: ReadonlyMap<string, Server>) {
    this.tool = tool
    this.folder = folder
    this.#servers = servers
  }

  static async open({ fixtures }: StepCase, tool: Tool, work: string): Promise<Scene> {
    const servers = new Map<string, Server>()
    for (const fixture of fixtures) servers.set(fixture.http, await serve(fixture))
    return new Scene(tool, mkdtempSync(path.join(work, 'case-')), servers)
  }

  /** The folder of a context. One that is written the same way again is the same, with what was changed in it since. */
  contextFolder(content: Value): { folder: string; isNew: boolean } {
    const key = JSON.stringify(content)
    const known = this.#contexts.get(key)
    this.#lastContext = known ?? this.newFolder('context')
    this.#contexts.set(key, this.#lastContext)
    return { folder: this.#lastContext, isNew: known === undefined }
  }

  /** The folder of the last context. */
  get lastContext(): string {
    if (this.#lastContext === '') throw new Unplayable('writes into a context before there is one')
    return this.#lastContext
  }

  newFolder(name: string): string {
    return mkdtempSync(path.join(this.folder, `${name}-`))
  }

  /** A file or folder of this case, by the name that its steps call it; it need not be there. */
  place(name: string): string {
    return path.join(this.folder, 'places', path.normalize(`/${name}`))
  }

  /** A place that is empty. */
  emptyPlace(value: Value): string {
    const place = this.placeOf(value)
    rmSync(place, { recursive: true, force: true })
    mkdirSync(path.dirname(place), { recursive: true })
    return place
  }

  /** Where a step puts or looks for something: a name, `[base, name]` or `{ $: 'path', base, rel }`. */
  placeOf(value: Value): string {
    if (typeof value === 'string') return this.place(value)
    if (Array.isArray(value)) return this.place(value.join('/'))
    if (isObject(value) && value['$'] === 'tmpdir') return this.place(`tmpdir-${String(value['id'])}`)
    if (isObject(value) && value['$'] === 'path') {
      const { base, rel } = value
      if (base === 'ctxdir') return path.join(this.lastContext, String(rel))
      return this.place(`${String(base)}/${String(rel)}`)
    }
    if (isObject(value) && 'ctx' in value) return path.join(this.lastContext, String(value['rel']))
    throw new Unplayable(`place ${JSON.stringify(value)}`)
  }

  /** The file or folder below the place `name`; `ctx` is the last context. */
  find(name: string, below: string): string | undefined {
    const base = name === 'ctx' ? this.lastContext : this.place(name)
    const found = path.join(base, path.normalize(`/${below}`))
    return existsSync(found) ? found : undefined
  }

  /** A text with the addresses of servers filled in. */
  fill(text: string): string {
    return text
      .replaceAll('{{registry}}', 'player.example:5000')
      .replace(/\{\{(\{"\$": ?"url", ?"server": ?"(\w+)"\})\}\}/g, (_all, _json, name: string) => {
        const server = this.#servers.get(name)
        if (!server) throw new Unplayable(`no server ${name}`)
        return server.url
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.values()) await server[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
