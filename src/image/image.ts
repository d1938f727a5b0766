import { fail } from '../core/index.ts'
import { type AddOptions, addLine, type CopyOptions, copyLine, fileLine, type PlaceOptions } from './copy.ts'
import { type ImageRef, type Line, plain } from './line.ts'
import { commandText, type RunOptions, runLine } from './run.ts'
import { nameOfVariable, value, word } from './words.ts'

/** How a container is found to be well. Times as in `30s`. */
export interface HealthcheckOptions {
  interval?: string
  timeout?: string
  startPeriod?: string
  startInterval?: string
  retries?: number
}

/** A command: a list is started as it is, a text is given to the shell. */
export type CommandText = string | readonly string[]

/** What an image is made of, as plain data. */
export interface Definition {
  readonly base: ImageRef
  readonly platform?: string
  readonly name?: string
  /** What `--call=targets` says of the stage. */
  readonly description?: string
  readonly lines: readonly Line[]
}

/**
 * How an image is made: a base and steps. A value that never changes; every method gives a new one, so that one image
 * can be the beginning of several. Nothing is built before it is given to `slipway build` or `engine.build`; it compiles
 * to the same graph as the Dockerfile that `toDockerfile` writes, and to the same image.
 *
 * In paths and values, `$NAME` and `${NAME}` are variables as in a Dockerfile; `literal(text)` turns that off. Methods
 * fail with `IMAGE_INVALID` for what no Dockerfile could say.
 */
export class Image {
  /** What the image is made of. */
  readonly definition: Definition

  constructor(definition: Definition) {
    this.definition = definition
  }

  /** RUN: a shell line, a script of several lines, or a program with its arguments. */
  run(command: CommandText, options: RunOptions = {}): Image {
    return this.#with(runLine(command, options))
  }

  /** COPY from the build context. */
  copy(sources: string | readonly string[], dest: string, options: CopyOptions = {}): Image {
    return this.#with(copyLine(sources, dest, options))
  }

  /** COPY from another image: one that is defined here, or one by name. */
  copyFrom(from: ImageRef, sources: string | readonly string[], dest: string, options: CopyOptions = {}): Image {
    return this.#with(copyLine(sources, dest, { ...options, from }))
  }

  /** ADD: archives of the build context are unpacked, URLs and git repositories are fetched. */
  add(sources: string | readonly string[], dest: string, options: AddOptions = {}): Image {
    return this.#with(addLine(sources, dest, options))
  }

  /** Writes a file with this text, in which nothing is replaced. Its mode is 0644 unless `chmod` says otherwise. */
  file(path: string, text: string, options: PlaceOptions = {}): Image {
    return this.#with(fileLine(path, text, options))
  }

  /** Variables of the image's processes, and of the steps that follow. */
  env(variables: Readonly<Record<string, string>>): Image {
    return this.#with(plain(`ENV ${pairs(variables)}`))
  }

  /** A build argument: what `--build-arg` sets, else the default. The steps that follow see it, the image does not. */
  arg(name: string, initial?: string): Image {
    const declared = nameOfVariable(name)
    return this.#with(plain(`ARG ${initial === undefined ? declared : `${declared}=${value(initial)}`}`))
  }

  label(labels: Readonly<Record<string, string>>): Image {
    return this.#with(plain(`LABEL ${pairs(labels)}`))
  }

  workdir(path: string): Image {
    return this.#with(plain(`WORKDIR ${word(path)}`))
  }

  /** `name[:group]`, or numbers. */
  user(user: string): Image {
    return this.#with(plain(`USER ${word(user)}`))
  }

  cmd(command: CommandText): Image {
    return this.#with(plain(`CMD ${oneLine(command)}`))
  }

  entrypoint(command: CommandText): Image {
    return this.#with(plain(`ENTRYPOINT ${oneLine(command)}`))
  }

  /** Ports, as `80` or `'53/udp'`. */
  expose(...ports: readonly (number | string)[]): Image {
    return this.#with(plain(`EXPOSE ${ports.map((port) => word(String(port))).join(' ')}`))
  }

  volume(...paths: readonly string[]): Image {
    return this.#with(plain(`VOLUME ${JSON.stringify(paths)}`))
  }

  stopsignal(signal: string): Image {
    return this.#with(plain(`STOPSIGNAL ${word(signal)}`))
  }

  /** What shell forms are given to: `['/bin/bash', '-c']`. */
  shell(command: readonly string[]): Image {
    return this.#with(plain(`SHELL ${JSON.stringify(command)}`))
  }

  /** `false` for none, even if the base has one. */
  healthcheck(command: CommandText | false, options: HealthcheckOptions = {}): Image {
    if (command === false) return this.#with(plain('HEALTHCHECK NONE'))
    const flags = Object.entries({
      interval: options.interval,
      timeout: options.timeout,
      'start-period': options.startPeriod,
      'start-interval': options.startInterval,
      retries: options.retries,
    }).flatMap(([name, given]) => (given === undefined ? [] : [`--${name}=${word(String(given))}`]))
    return this.#with(plain(['HEALTHCHECK', ...flags, 'CMD', oneLine(command)].join(' ')))
  }

  /** Steps for images that are built on this one: `image.onbuild((child) => child.copy('.', '/app'))`. */
  onbuild(steps: (child: Image) => Image): Image {
    const empty = new Image({ base: 'scratch', lines: [] })
    return steps(empty).definition.lines.reduce<Image>((image, line) => image.#with(trigger(line)), this)
  }

  /** The name of the stage, for `--target` and in progress; and what it is for. */
  as(name: string, description?: string): Image {
    if (!/^[a-z][a-z0-9-_.]*$/.test(name)) throw fail('IMAGE_INVALID', `${JSON.stringify(name)} is not a stage name`)
    return new Image({ ...this.definition, name, ...(description === undefined ? {} : { description }) })
  }

  #with(line: Line): Image {
    return new Image({ ...this.definition, lines: [...this.definition.lines, line] })
  }
}

/** An image that starts from another: one that is defined here, or one by name. `platform` is where the steps run. */
export function from(base: ImageRef, options: { platform?: string } = {}): Image {
  return new Image({ base, lines: [], ...options })
}

/** The image without any file. */
export const scratch: Image = from('scratch')

function pairs(values: Readonly<Record<string, string>>): string {
  const entries = Object.entries(values)
  if (entries.length === 0) throw fail('IMAGE_INVALID', 'there is no variable or label to set')
  return entries.map(([name, text]) => `${key(name)}=${value(text)}`).join(' ')
}

/** Names of labels may hold nearly anything; what is not plain is quoted. */
const key = (name: string): string => (/^[\w.-]+$/.test(name) ? name : word(name))

function oneLine(command: CommandText): string {
  const text = commandText(command)
  if (!text.includes('\n')) return text
  return JSON.stringify(['/bin/sh', '-c', command])
}

function trigger(line: Line): Line {
  return { uses: line.uses, write: (nameOf) => `ONBUILD ${line.write(nameOf)}` }
}
