/*
 * Measures the layer room against GNU tar, sha256sum, zlib and pigz: medians of several rounds, CPU and wall seconds,
 * and peak memory. Run by hand, on a quiet machine: node test/bench/layer.ts [case ...]
 */
import { spawnSync } from 'node:child_process'
import { createReadStream, existsSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import zlib from 'node:zlib'
import { toByteString } from '../../src/core/index.ts'
import {
  createLayerWriter,
  diffUpper,
  gzip,
  importLayer,
  type LayerWriter,
  openFileTree,
  openLayer,
  unpackLayer,
  zstd,
} from '../../src/layer/index.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 5)

const work = process.env['BENCH_DIR'] ?? path.join(tmpdir(), 'slipway-bench-layer')

interface Cost {
  wall: number
  cpu: number
  megabytes: number
}

/** Runs a shell command and measures it with all its children. */
function measure(command: string): Cost {
  const script = `TIMEFORMAT='%R %U %S'; time { ${command}; } 2>/dev/null`
  const timed = spawnSync('bash', ['-c', script], { encoding: 'utf8', maxBuffer: 1 << 26 })
  if (timed.status !== 0) throw new Error(`${command}: ${timed.stderr}`)
  const [wall, user, system] = timed.stderr.trim().split('\n').at(-1)!.split(' ').map(Number) as [
    number,
    number,
    number,
  ]
  return { wall, cpu: user + system, megabytes: Number(/rss=(\d+)/.exec(timed.stdout)?.[1] ?? 0) }
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!

/** Runs the commands in turn, so that a busy moment hits them all, and prints a row for each. */
function compare(title: string, commands: Record<string, string>, between: () => void = () => {}): void {
  const costs = new Map<string, Cost[]>(Object.keys(commands).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, command] of Object.entries(commands)) {
      between()
      costs.get(name)!.push(measure(command))
    }
  }
  console.log(`\n${title} (median of ${ROUNDS})`)
  const [first] = costs.values()
  const base = { wall: median(first!.map((c) => c.wall)), cpu: median(first!.map((c) => c.cpu)) }
  for (const [name, list] of costs) {
    const [wall, cpu, rss] = [
      median(list.map((c) => c.wall)),
      median(list.map((c) => c.cpu)),
      median(list.map((c) => c.megabytes)),
    ]
    const ratio = `${(wall / base.wall).toFixed(2)}x wall ${(cpu / base.cpu).toFixed(2)}x cpu`
    console.log(
      `  ${name.padEnd(36)} ${wall.toFixed(2)} s wall  ${cpu.toFixed(2)} s cpu  ${ratio}${rss ? `  ${rss} MiB` : ''}`,
    )
  }
}

// Where the packages that are not bundled are found.
const bundle = path.resolve(import.meta.dirname, '../../node_modules/.bench-layer.mjs')

/** Runs this program as users would have it: bundled, without types to strip. */
const self = (...args: string[]): string => [process.execPath, bundle, '--run', ...args].join(' ')

async function makeBundle(): Promise<void> {
  const { build } = await import('esbuild')
  const entryPoints = [import.meta.filename]
  await build({ entryPoints, outfile: bundle, bundle: true, platform: 'node', format: 'esm', packages: 'external' })
}

function makeFiles(directory: string, count: number): void {
  if (existsSync(directory)) return
  for (let i = 0; i < count; i++) {
    const parent = path.join(directory, `d${i % 500}`)
    if (i < 500) mkdirSync(parent, { recursive: true })
    writeFileSync(path.join(parent, `file-${i}`), `${i} `.repeat(1 + ((i * 37) % 600)))
  }
}

const CASES: Record<string, () => void> = {
  'write-small'() {
    const source = path.join(work, 'small')
    makeFiles(source, 50_000)
    compare(
      'a layer of 50,000 small files',
      {
        'tar -cf - | sha256sum': `tar -cf - -C ${source} . | sha256sum`,
        LayerWriter: self('write', source),
      },
      clean,
    )
  },
  'write-large'() {
    const source = path.join(work, 'large')
    mkdirSync(source, { recursive: true })
    if (!existsSync(path.join(source, 'file'))) spawnSync('bash', ['-c', `head -c 1G /dev/urandom > ${source}/file`])
    compare(
      'a layer of one file of 1 GiB',
      {
        'tar -cf - | sha256sum': `tar -cf - -C ${source} . | sha256sum`,
        LayerWriter: self('write', source),
      },
      clean,
    )
  },
  'import-small'() {
    const source = path.join(work, 'small')
    const tar = path.join(work, 'small.tar')
    makeFiles(source, 50_000)
    if (!existsSync(tar)) spawnSync('tar', ['-cf', tar, '-C', source, '.'])
    compare(
      'import of 50,000 small files',
      {
        'tar -xf': `mkdir -p ${work}/x && tar -xf ${tar} -C ${work}/x`,
        'sha256 and write': self('copy', tar),
        importLayer: self('import', tar),
      },
      clean,
    )
  },
  'import-large'() {
    const tar = process.env['BENCH_TAR'] ?? path.join(work, 'large.tar')
    if (!existsSync(tar)) {
      CASES['write-large']!()
      spawnSync('tar', ['-cf', tar, '-C', path.join(work, 'large'), '.'])
    }
    compare(
      `import of ${tar}`,
      {
        'tar -xf': `mkdir -p ${work}/x && tar -xf ${tar} -C ${work}/x`,
        'sha256 and write': self('copy', tar),
        importLayer: self('import', tar),
      },
      clean,
    )
  },
  'diff-small'() {
    const source = path.join(work, 'small')
    makeFiles(source, 50_000)
    compare(
      'a layer of an upper directory with 50,000 new files',
      {
        'tar -cf - | sha256sum': `tar --xattrs -cf - -C ${source} . | sha256sum`,
        diffUpper: self('diff', source),
      },
      clean,
    )
  },
  'unpack-small'() {
    const tar = path.join(work, 'small.tar')
    compare(
      'unpacking 50,000 small files',
      {
        'tar -xf': `mkdir -p ${work}/x && tar -xf ${tar} -C ${work}/x`,
        'importLayer and unpackLayer': self('unpack', tar),
      },
      clean,
    )
  },
  gzip() {
    const tar = process.env['BENCH_TAR'] ?? path.join(work, 'small.tar')
    compare(`gzip -6 of ${tar}`, {
      'one zlib stream': self('zlib', tar),
      'gzip()': self('gzip', tar),
      'pigz -6': `pigz -6 -c ${tar} > /dev/null`,
      'zstd()': self('zstd', tar),
      'zstd -3': `zstd -3 -c -q ${tar} > /dev/null`,
    })
  },
  memory() {
    const many = path.join(work, 'many.tar')
    const sparse = path.join(work, 'sparse.tar')
    if (!existsSync(many)) {
      makeFiles(path.join(work, 'many'), 100_000)
      spawnSync('tar', ['-cf', many, '-C', path.join(work, 'many'), '.'])
    }
    if (!existsSync(sparse)) {
      const make = `cd ${work} && truncate -s 5G s && for i in 1 1000 4000; do echo data | dd of=s bs=1M seek=$i conv=notrunc status=none; done && tar -S --format=posix -cf sparse.tar s && rm s`
      spawnSync('bash', ['-c', make])
    }
    const directory = path.join(work, 'many')
    compare(
      'memory',
      {
        'importLayer, 100,000 entries': self('import', many),
        'LayerWriter, 100,000 entries': self('write', directory),
        'importLayer, 5 GiB sparse': self('import', sparse),
        'openFileTree and walk, 100,000': self('walk', many),
      },
      clean,
    )
  },
}

function clean(): void {
  for (const name of ['x', 'out.tar', 'out.erofs']) rmSync(path.join(work, name), { recursive: true, force: true })
}

const files = { tar: path.join(work, 'out.tar'), index: path.join(work, 'out.erofs') }
const read = (file: string) => createReadStream(file, { highWaterMark: 256 << 10 })

/** As a build's COPY walks its context. */
function writeTree(layer: LayerWriter, root: string): void {
  const pending = ['']
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const name of readdirSync(path.join(root, directory)).sort()) {
      const relative = directory === '' ? name : `${directory}/${name}`
      const hostPath = `${root}/${relative}`
      const stat = lstatSync(hostPath)
      const seconds = Math.floor(stat.mtimeMs / 1000)
      const attributes = { mode: stat.mode & 0o7777, uid: stat.uid, gid: stat.gid, mtime: { seconds, nanoseconds: 0 } }
      const target = toByteString(relative)
      if (stat.isDirectory()) {
        layer.directory(target, attributes)
        pending.push(relative)
      } else layer.file(target, attributes, { hostPath })
    }
  }
}

const RUNS: Record<string, (file: string) => Promise<void>> = {
  async nothing() {},
  async write(directory) {
    const layer = createLayerWriter(files)
    writeTree(layer, directory)
    layer.finish()
  },
  async import(tar) {
    await importLayer(read(tar), files)
  },
  async diff(directory) {
    const layer = createLayerWriter(files)
    await diffUpper(directory, layer, { lower: openFileTree([]) })
    layer.finish()
  },
  async unpack(tar) {
    await importLayer(read(tar), files)
    mkdirSync(path.join(work, 'x'))
    await unpackLayer(
      openLayer(files.index, () => files.tar),
      path.join(work, 'x'),
      { whiteouts: 'none' },
    )
  },
  async copy(tar) {
    const { createHash } = await import('node:crypto')
    const { closeSync, fsyncSync, openSync, writeSync } = await import('node:fs')
    const [hash, fd] = [createHash('sha256'), openSync(files.tar, 'w')]
    for await (const chunk of read(tar)) {
      hash.update(chunk as Buffer)
      writeSync(fd, chunk as Buffer)
    }
    fsyncSync(fd)
    closeSync(fd)
    hash.digest('hex')
  },
  async walk(tar) {
    await importLayer(read(tar), files)
    const tree = openFileTree([openLayer(files.index, () => files.tar)])
    for (const _entry of tree.walk());
  },
  async zlib(tar) {
    for await (const _chunk of read(tar).pipe(zlib.createGzip({ level: 6, chunkSize: 1 << 20 })));
  },
  async gzip(tar) {
    for await (const _chunk of gzip(read(tar)));
  },
  async zstd(tar) {
    for await (const _chunk of zstd(read(tar)));
  },
}

const args = process.argv.slice(2)
if (args[0] === '--run') {
  await RUNS[args[1]!]!(args[2]!)
  console.log(`rss=${Math.round(process.resourceUsage().maxRSS / 1024)}`)
} else {
  mkdirSync(work, { recursive: true })
  await makeBundle()
  for (const name of args.length > 0 ? args : Object.keys(CASES)) CASES[name]!()
  clean()
}
