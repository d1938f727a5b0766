/** Builds and loads that take a while and come out the same each time. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** Something to do with a store that makes one image. */
export interface Operation {
  name: string
  /** Arguments of slipway. */
  args: readonly string[]
  image: string
  /** Whether a keeper works for it. */
  hasKeeper: boolean
  /** Takes the image away again: what is killed then, after the operation itself was done in peace. */
  undo?: readonly string[]
  /** What is killed takes away something else. */
  undoKeepsImage?: boolean
  /** Done once before, in a store of its own. */
  prepare?: readonly string[]
  /** Where it writes to, beside the store: empty before each trial. */
  out?: string
}

/** How much there is to do. */
export interface WorkloadSize {
  /** Files in the build context. */
  contextFiles: number
  /** Files that each of the RUN steps makes. */
  stepFiles: number
  /** Files in the archive of small files. */
  archiveFiles: number
  /** Bytes of this machine's programs and libraries that make a layer like that of a distribution. */
  systemBytes: number
}

/** What takes a second or two: for the suite. */
export const SMALL: WorkloadSize = { contextFiles: 300, stepFiles: 100, archiveFiles: 2000, systemBytes: 8 << 20 }

/** The time that files have: the same whenever they are made. */
export const EPOCH = 1_600_000_000

/** Writes contexts and archives below `folder`. */
export function makeWorkload(folder: string, size: WorkloadSize): Operation[] {
  mkdirSync(folder, { recursive: true })
  const context = path.join(folder, 'context')
  makeContext(context, size)
  makeArchive(path.join(folder, 'many.tar'), 'many', [treeOf(folder, size.archiveFiles)])
  makeArchive(path.join(folder, 'system.tar'), 'system', systemLayers(folder, size.systemBytes))
  const build = ['build', '--progress=plain', '--build-arg', `SOURCE_DATE_EPOCH=${EPOCH}`]
  return [
    { name: 'build', args: [...build, '-t', 'killed', context], image: 'killed', hasKeeper: true },
    { name: 'load many', args: ['load', '-i', path.join(folder, 'many.tar')], image: 'many', hasKeeper: false },
    { name: 'load system', args: ['load', '-i', path.join(folder, 'system.tar')], image: 'system', hasKeeper: false },
  ]
}

/** Steps leave no times of their own behind, so that their layers are equal whenever they run. */
function makeContext(context: string, { contextFiles, stepFiles }: WorkloadSize): void {
  for (let at = 0; at < contextFiles; at++) {
    const folder = path.join(context, 'files', String(at % 50))
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, `file-${at}`), `content of file ${at}\n`.repeat(1 + (at % 40)))
  }
  const fill = (name: string): string =>
    `set -e; mkdir /${name}; i=0; while [ $i -lt ${stepFiles} ]; do echo "${name} $i" > /${name}/$i; i=$((i+1)); done; ` +
    `find /${name} | xargs touch -d @${EPOCH}`
  const lines = [
    'FROM busybox AS one',
    `RUN ${fill('a')}`,
    'COPY files /files',
    `RUN rm -r /files/7 && cp -a /files/8 /files/copy && find /files -type d | xargs touch -d @${EPOCH}`,
    'FROM busybox AS two',
    `RUN ${fill('b')}`,
    'WORKDIR /work',
    'FROM busybox',
    'COPY --from=one /files /files',
    'COPY --from=two /b /b',
    `RUN ${fill('c')}`,
    'CMD ["cat", "/b/1"]',
  ]
  writeFileSync(path.join(context, 'Dockerfile'), `${lines.join('\n')}\n`)
  execFileSync('sh', ['-c', `find "$1" | xargs -d '\\n' touch -d @${EPOCH}`, '-', context])
}

const TAR = [
  '--sort=name',
  `--mtime=@${EPOCH}`,
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '--format=pax',
  '--pax-option=delete=atime,delete=ctime',
]

function treeOf(folder: string, files: number): Buffer {
  const tree = path.join(folder, 'tree')
  for (let at = 0; at < files; at++) {
    const place = path.join(tree, `d${at % 100}`, `e${at % 10}`)
    mkdirSync(place, { recursive: true })
    writeFileSync(path.join(place, `f${at}`), `${at}\n`)
  }
  const tar = execFileSync('tar', ['-c', ...TAR, '-C', tree, '.'], { maxBuffer: 1 << 30 })
  rmSync(tree, { recursive: true })
  return tar
}

/** Programs and libraries of this machine, in two layers of which the second is compressed. */
function systemLayers(folder: string, bytes: number): Buffer[] {
  const list = path.join(folder, 'system.list')
  const script = `find /usr/bin /usr/lib /etc -xdev \\( -type f -o -type l \\) -readable -printf '%s %p\\n' 2>/dev/null |
    LC_ALL=C sort -k2 | awk -v most="$1" '$1 < 8000000 { sum += $1; if (sum > most) exit; $1 = ""; print substr($0, 2) }'`
  writeFileSync(list, execFileSync('sh', ['-c', script, '-', String(bytes)], { maxBuffer: 1 << 28 }))
  const names = readFileSync(list, 'utf8').trim().split('\n')
  return [names.slice(0, names.length >> 1), names.slice(names.length >> 1)].map((part) => {
    writeFileSync(list, part.join('\n'))
    return execFileSync('tar', ['-c', ...TAR, '-C', '/', '-P', '--files-from', list], {
      maxBuffer: 1 << 30,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  })
}

/** A docker archive; every second layer in it is compressed. */
function makeArchive(file: string, name: string, layers: readonly Buffer[]): void {
  const work = `${file}.d`
  mkdirSync(work)
  const sha = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  const names = layers.map((bytes, at) => {
    const layer = path.join(work, `${at}.tar`)
    writeFileSync(layer, bytes)
    if (at % 2 === 1) execFileSync('sh', ['-c', 'gzip -1nc "$1" > "$1.gz" && mv "$1.gz" "$1"', '-', layer])
    return `${at}.tar`
  })
  const config = JSON.stringify({
    ...{ architecture: 'amd64', os: 'linux', created: '2020-01-01T00:00:00Z', config: { Cmd: ['/bin/sh'] } },
    rootfs: { type: 'layers', diff_ids: layers.map((bytes) => `sha256:${sha(bytes)}`) },
  })
  const configName = `${sha(Buffer.from(config))}.json`
  writeFileSync(path.join(work, configName), config)
  writeFileSync(
    path.join(work, 'manifest.json'),
    JSON.stringify([{ Config: configName, RepoTags: [`${name}:latest`], Layers: names }]),
  )
  execFileSync('tar', ['-cf', file, '-C', work, ...names, configName, 'manifest.json'])
  rmSync(work, { recursive: true })
}
