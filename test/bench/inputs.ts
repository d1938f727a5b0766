import { execFileSync } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import path from 'node:path'
import { findProgram } from '../../src/host/index.ts'

/** An image as a file that every tool can load. */
export interface ImageArchive {
  /** `docker save` format, layers uncompressed. */
  file: string
  /** The name that loading gives it. */
  image: string
  /** The one layer, as it lies in the archive. */
  layer: string
}

const MEBIBYTE = 1 << 20
const FOLDERS = 500

/** Makes what the tools work on, once. `scale` makes everything smaller, for trying the harness out. */
export class Inputs {
  readonly folder: string
  readonly #scale: number
  readonly #debian: string | undefined

  constructor(folder: string, options: { scale: number; debian: string | undefined }) {
    this.folder = path.join(folder, options.scale === 1 ? 'inputs' : `inputs-${options.scale}`)
    this.#scale = options.scale
    this.#debian = options.debian
    mkdirSync(this.folder, { recursive: true })
  }

  /** A number of files or steps, made smaller by the scale. */
  count(full: number): number {
    return Math.max(1, Math.round(full * this.#scale))
  }

  /** A build context with a Dockerfile, and below `data` that many small files in up to 500 folders. */
  smallFiles(full: number, dockerfile: string, name: string = `files-${full}`): string {
    return this.#once(name, (folder) => {
      writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
      makeFiles(path.join(folder, 'data'), this.count(full))
    })
  }

  /** A build context with a Dockerfile and one large file, `data/file`. */
  largeFile(fullBytes: number, dockerfile: string): string {
    return this.#once(`large-${fullBytes}`, (folder) => {
      writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
      mkdirSync(path.join(folder, 'data'))
      makeLargeFile(path.join(folder, 'data/file'), this.count(fullBytes / MEBIBYTE))
    })
  }

  /** A build context with nothing but a Dockerfile. */
  dockerfile(name: string, text: string): string {
    return this.#once(name, (folder) => writeFileSync(path.join(folder, 'Dockerfile'), text))
  }

  /** An image of that many small files. */
  manyFilesImage(full: number): ImageArchive {
    return this.#archive(`many-${full}`, (layer) => {
      const files = `${layer}.files`
      makeFiles(files, this.count(full))
      packFolder(files, layer)
      rmSync(files, { recursive: true })
    })
  }

  /** The same, and `true` can be run in it; `undefined` when there is no busybox on this machine. */
  manyFilesToRun(full: number): ImageArchive | undefined {
    const busybox = findProgram('busybox')
    if (busybox === undefined) return undefined
    return this.#archive(`many-run-${full}`, (layer) => {
      packBusybox(busybox, layer, (root) => makeFiles(path.join(root, 'data'), this.count(full)))
    })
  }

  /** An image of one large file. */
  largeFileImage(fullBytes: number): ImageArchive {
    return this.#archive(`large-${fullBytes}`, (layer) => {
      const files = `${layer}.files`
      mkdirSync(files)
      makeLargeFile(path.join(files, 'file'), this.count(fullBytes / MEBIBYTE))
      packFolder(files, layer)
      rmSync(files, { recursive: true })
    })
  }

  /** The smallest image that can run something; `undefined` when there is no busybox on this machine. */
  busyboxImage(): ImageArchive | undefined {
    const busybox = findProgram('busybox')
    return busybox === undefined ? undefined : this.#archive('busybox', (layer) => packBusybox(busybox, layer))
  }

  /** Debian's minimal system: a root file system that was given, else a fresh one when mmdebstrap is here. */
  debianImage(): ImageArchive | undefined {
    const given = this.#debian
    if (given === undefined && !findProgram('mmdebstrap')) return undefined
    return this.#archive('debian', (layer) => {
      if (given !== undefined) copyFileSync(given, layer)
      else execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', 'bookworm', layer])
    })
  }

  #archive(name: string, makeLayer: (layer: string) => void): ImageArchive {
    const folder = this.#once(`image-${name}`, (at) => {
      makeLayer(path.join(at, 'layer.tar'))
      packImage(at, name)
    })
    return {
      file: path.join(folder, 'image.tar'),
      image: imageName(name),
      layer: path.join(folder, 'layer.tar'),
    }
  }

  #once(name: string, make: (folder: string) => void): string {
    const folder = path.join(this.folder, name)
    if (existsSync(folder)) return folder
    const partial = `${folder}.partial`
    rmSync(partial, { recursive: true, force: true })
    mkdirSync(partial)
    make(partial)
    renameSync(partial, folder)
    return folder
  }
}

const imageName = (name: string): string => `slipway-bench/${name}:latest`

/** A few hundred bytes to a few kilobytes each, all different. */
function makeFiles(directory: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const parent = path.join(directory, `d${i % FOLDERS}`)
    if (i < FOLDERS) mkdirSync(parent, { recursive: true })
    writeFileSync(path.join(parent, `file-${i}`), `${i} `.repeat(1 + ((i * 37) % 600)))
  }
}

function makeLargeFile(file: string, mebibytes: number): void {
  const fd = openSync(file, 'w')
  const chunk = Buffer.alloc(MEBIBYTE)
  for (let i = 0; i < mebibytes; i++) writeSync(fd, randomFillSync(chunk))
  closeSync(fd)
}

const packFolder = (folder: string, tar: string): void =>
  void execFileSync('tar', ['-cf', tar, '--owner=0', '--group=0', '-C', folder, '.'])

function packBusybox(busybox: string, layer: string, more: (root: string) => void = () => {}): void {
  const root = `${layer}.root`
  for (const folder of ['bin', 'etc', 'tmp']) mkdirSync(path.join(root, folder), { recursive: true })
  copyFileSync(busybox, path.join(root, 'bin/busybox'))
  for (const name of ['sh', 'true', 'echo']) symlinkSync('busybox', path.join(root, 'bin', name))
  writeFileSync(path.join(root, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n')
  more(root)
  packFolder(root, layer)
  rmSync(root, { recursive: true })
}

/** Wraps `layer.tar` into an image archive, `image.tar`, as `docker save` writes it. */
function packImage(folder: string, name: string): void {
  const layer = path.join(folder, 'layer.tar')
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Cmd: ['sh'] },
    history: [{ created_by: 'slipway-bench' }],
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256Of(layer)}`] },
  })
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`
  const manifest = [{ Config: configName, RepoTags: [imageName(name)], Layers: ['layer.tar'] }]
  writeFileSync(path.join(folder, configName), config)
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(manifest))
  execFileSync('tar', ['-cf', `${folder}/image.tar`, '-C', folder, configName, 'layer.tar', 'manifest.json'])
}

function sha256Of(file: string): string {
  const hash = createHash('sha256')
  const buffer = Buffer.alloc(MEBIBYTE)
  const fd = openSync(file, 'r')
  for (let n = readSync(fd, buffer); n > 0; n = readSync(fd, buffer)) hash.update(buffer.subarray(0, n))
  closeSync(fd)
  return hash.digest('hex')
}

/** Writes other bytes into one file of a `smallFiles` context. */
export function changeOneFile(context: string): void {
  const file = path.join(context, 'data/d0/file-0')
  writeFileSync(file, `${readFileSync(file, 'latin1').slice(0, 16)} ${performance.now()}`)
}
