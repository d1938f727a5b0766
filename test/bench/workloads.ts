import { rmSync } from 'node:fs'
import path from 'node:path'
import { changeOneFile, type ImageArchive, type Inputs } from './inputs.ts'
import { type CommandLine, runQuietly } from './measure.ts'
import { type BenchRegistry, overRegistry } from './registry-images.ts'
import type { Tool } from './tools/tool.ts'

/** Something that all tools do, in turn. */
export interface Workload {
  readonly title: string
  /** How many files or steps it is about, for the time per unit. */
  readonly units?: number
  /** Watches memory instead of time. */
  readonly watchMemory?: true
  /** Only for what is being judged. */
  readonly onlyOurs?: true
  /** Work of the same size by plain programs, not a competitor. */
  readonly floor?: { name: string; command: CommandLine; clean?(): void }
  /** What is measured; `undefined` when the tool cannot do it. */
  command(tool: Tool): CommandLine | undefined
  /** Once per tool, before the first time. */
  ready?(tool: Tool): Promise<void>
  /** Before each time. */
  before?(tool: Tool): Promise<void>
}

const GIBIBYTE = 2 ** 30
const COPY = 'FROM scratch\nCOPY data /data/\n'
const IMAGE = 'slipway-bench/result:latest'

const shell = (script: string, ...args: string[]): CommandLine => ({ argv: ['sh', '-c', script, 'sh', ...args] })
const packAndHash = (context: string): NonNullable<Workload['floor']> => ({
  name: 'tar -cf - \\| sha256sum',
  command: shell('tar -cf - -C "$1" data | sha256sum', context),
})

/** All workloads by name, in the order they are reported. Inputs are made when a workload is asked for. */
export function listWorkloads(
  inputs: Inputs,
  registry: BenchRegistry | undefined,
): Record<string, () => Workload | undefined> {
  const many = (): string => inputs.smallFiles(20_000, COPY)
  const large = (): string => inputs.largeFile(GIBIBYTE, COPY)
  const manyImage = (): ImageArchive => inputs.manyFilesImage(50_000)
  const largeImage = (): ImageArchive => inputs.largeFileImage(GIBIBYTE)
  const withDebian = (make: typeof load) => () =>
    withImage(inputs.debianImage(), (image) => make('Debian', image, inputs))
  const withBase = (make: (base: ImageArchive) => Workload) => () => withImage(inputs.busyboxImage(), make)
  return {
    'copy-many': () => copyFresh('COPY of 20,000 small files', many()),
    'copy-large': () => copyFresh('COPY of one file of 1 GiB', large()),
    'rebuild-few': () => rebuild('rebuild, nothing changed, 7 files', sevenFiles(inputs)),
    'rebuild-many': () => rebuild('rebuild, nothing changed, 20,000 files', many()),
    'change-one': () => changeOne('rebuild, one of 20,000 files changed', many()),
    'run-ten': withBase((base) => tenSteps(inputs, base)),
    'load-many': () => load('50,000 files', manyImage(), inputs),
    'load-debian': withDebian(load),
    'save-many': () => save('50,000 files', manyImage(), inputs),
    'save-debian': withDebian(save),
    ...(registry ? overRegistry(inputs, registry) : {}),
    'run-true': withBase(runTrue),
    images: withBase(listImages),
    version: () => ({ title: '`version`', command: (tool) => tool.version?.() }),
    'memory-copy-large': () => watched(copyFresh('COPY of one file of 1 GiB', large())),
    'memory-copy-many': () => watched(copyFresh('COPY of 50,000 files', inputs.smallFiles(50_000, COPY))),
    'memory-load-large': () => watched(load('one file of 1 GiB', largeImage(), inputs)),
    'memory-load-many': () => watched(load('50,000 files', manyImage(), inputs)),
    'memory-save-large': () => watched(save('one file of 1 GiB', largeImage(), inputs)),
    'memory-save-many': () => watched(save('50,000 files', manyImage(), inputs)),
    ...growing([1000, 10_000, 100_000], 'files', (count) => () => growingFiles(inputs, count)),
    ...growing([1, 10, 100], 'steps', (count) => withBase((base) => growingSteps(inputs, count, base))),
  }
}

type Make = () => Workload | undefined

function growing(sizes: readonly number[], what: string, make: (size: number) => Make): Record<string, Make> {
  return Object.fromEntries(sizes.map((size) => [`grow-${what}-${size}`, make(size)]))
}

/** The same work, its memory looked at instead of its time; plain programs need none. */
const watched = ({ floor: _, ...workload }: Workload): Workload => ({ ...workload, watchMemory: true })

const reset = (tool: Tool): Promise<void> => tool.reset()

async function prepare(...commands: (CommandLine | undefined)[]): Promise<void> {
  for (const command of commands) if (command) await runQuietly(command)
}

function withImage(image: ImageArchive | undefined, make: (image: ImageArchive) => Workload): Workload | undefined {
  return image && make(image)
}

const copyFresh = (title: string, context: string): Workload => ({
  title,
  floor: packAndHash(context),
  before: reset,
  command: (tool) => tool.build?.(context, IMAGE),
})

const rebuild = (title: string, context: string): Workload => ({
  title,
  async ready(tool) {
    await tool.reset()
    await prepare(tool.build?.(context, IMAGE), tool.build?.(context, IMAGE))
  },
  command: (tool) => tool.build?.(context, IMAGE),
})

/** A small project: a few instructions and seven files. */
function sevenFiles(inputs: Inputs): string {
  const text = 'FROM scratch\nWORKDIR /app\nCOPY data/d0 ./\nCOPY data ./data/\nENV A=1\nCMD ["/app"]\n'
  return inputs.smallFiles(7, text)
}

function changeOne(title: string, context: string): Workload {
  return {
    title,
    async ready(tool) {
      await tool.reset()
      await prepare(tool.build?.(context, IMAGE))
    },
    before: async () => changeOneFile(context),
    command: (tool) => tool.build?.(context, IMAGE),
  }
}

function tenSteps(inputs: Inputs, base: ImageArchive): Workload {
  const context = inputs.dockerfile('ten-steps', `FROM ${base.image}\n${'RUN true\n'.repeat(10)}`)
  return { title: 'ten times `RUN true`', ...freshSteps(context, base) }
}

/** Steps that are done anew each time, over a base that was loaded before. */
const freshSteps = (context: string, base: ImageArchive): Pick<Workload, 'ready' | 'command'> => ({
  async ready(tool) {
    await tool.reset()
    if (tool.build) await prepare(tool.load?.(base.file), tool.build(context, IMAGE))
  },
  command: (tool) => tool.build?.(context, IMAGE, { fresh: true }),
})

function load(what: string, image: ImageArchive, inputs: Inputs): Workload {
  const target = path.join(inputs.folder, 'unpacked')
  return {
    title: `load of ${what}`,
    floor: {
      name: 'tar -xf',
      command: shell('mkdir "$2" && tar -xf "$1" -C "$2"', image.layer, target),
      clean: () => rmSync(target, { recursive: true, force: true }),
    },
    before: reset,
    command: (tool) => tool.load?.(image.file),
  }
}

function save(what: string, image: ImageArchive, inputs: Inputs): Workload {
  const target = path.join(inputs.folder, 'saved.tar')
  return {
    title: `save of ${what}`,
    floor: { name: 'cp', command: { argv: ['cp', image.file, target] }, clean: () => rmSync(target, { force: true }) },
    async ready(tool) {
      await tool.reset()
      if (tool.save) await prepare(tool.load?.(image.file))
    },
    before: async () => rmSync(target, { force: true }),
    command: (tool) => tool.save?.(image.image, target),
  }
}

function runTrue(base: ImageArchive): Workload {
  return {
    title: '`run --rm true`',
    async ready(tool) {
      await tool.reset()
      if (tool.run) await prepare(tool.load?.(base.file), tool.run(base.image, ['true']))
    },
    command: (tool) => tool.run?.(base.image, ['true']),
  }
}

function listImages(base: ImageArchive): Workload {
  return {
    title: '`images`',
    async ready(tool) {
      await tool.reset()
      if (tool.listImages) await prepare(tool.load?.(base.file))
    },
    command: (tool) => tool.listImages?.(),
  }
}

function growingFiles(inputs: Inputs, count: number): Workload {
  const context = inputs.smallFiles(count, COPY)
  return {
    title: `COPY of ${count} files`,
    units: inputs.count(count),
    onlyOurs: true,
    before: reset,
    command: (tool) => tool.build?.(context, IMAGE),
  }
}

function growingSteps(inputs: Inputs, full: number, base: ImageArchive): Workload {
  const units = Math.min(full, inputs.count(full * 1000))
  const steps = Array.from({ length: units }, (_, at) => `RUN echo ${at} > /step-${at}\n`)
  const context = inputs.dockerfile(`steps-${full}`, `FROM ${base.image}\n${steps.join('')}`)
  return { title: `${full} times RUN`, units, onlyOurs: true, ...freshSteps(context, base) }
}
