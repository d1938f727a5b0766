// Bundles the product into dist/: the command line as one small entry and a bundle per command (a command loads only
// what it needs), the programs that run beside it, and the library. `--types` adds declarations for the library.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type BuildOptions, build } from 'esbuild'

const root = path.resolve(import.meta.dirname, '..')
process.chdir(root)
const { version, dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  version: string
  dependencies: Record<string, string>
}

const shared: BuildOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  logLevel: 'warning',
  legalComments: 'none',
  define: { SLIPWAY_VERSION: JSON.stringify(version) },
}

/** CommonJS: it is loaded synchronously, without the thread pool, and faster than ES modules. */
const program: BuildOptions = {
  ...shared,
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  minifySyntax: true,
  minifyWhitespace: true,
  external: ['koffi'],
  define: { ...shared.define, 'import.meta.url': 'importMetaUrl', 'import.meta.dirname': '__dirname' },
  banner: { js: 'const importMetaUrl=require("node:url").pathToFileURL(__filename).href;' },
}

function commandEntries(): Record<string, string> {
  const folder = 'src/cli/commands'
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts') && !/\.(test|suite)\.ts$/.test(file))
  return Object.fromEntries(files.map((file) => [`command-${path.basename(file, '.ts')}`, path.join(folder, file)]))
}

mkdirSync('dist', { recursive: true })
for (const old of readdirSync('dist')) if (/\.cjs$/.test(old)) rmSync(path.join('dist', old))
rmSync('dist/lib', { recursive: true, force: true })

const programs = { slipway: 'src/cli/entry.ts', keeper: 'src/container/keeper.ts', ...commandEntries() }
await build({ ...program, entryPoints: programs, outdir: 'dist' })
await build({
  ...shared,
  format: 'esm',
  splitting: true,
  entryPoints: {
    slipway: 'src/engine/index.ts',
    oci: 'src/oci/index.ts',
    dockerfile: 'src/dockerfile/index.ts',
    layer: 'src/layer/index.ts',
    transfer: 'src/transfer/index.ts',
  },
  outdir: 'dist/lib',
  external: Object.keys(dependencies),
})
await build({ ...program, entryPoints: { keeper: 'src/container/keeper.ts' }, outdir: 'dist/lib' })

if (process.argv.includes('--types') && existsSync('node_modules/.bin/tsc')) {
  execFileSync(process.execPath, ['node_modules/.bin/tsc', '-p', 'scripts/tsconfig.types.json'], { stdio: 'inherit' })
}
writeFileSync('dist/ready', version)
