// Bundles the product into dist/: the command line, the programs that run beside it, and the library, all from one set
// of shared chunks (a command loads only what it needs, and there is one copy of everything in a process).
// `--types` adds declarations for the library.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'

process.chdir(path.resolve(import.meta.dirname, '..'))
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

mkdirSync('dist', { recursive: true })
const built = await build({
  entryPoints: {
    'slipway-cli': 'src/cli/bin.ts',
    keeper: 'src/container/keeper.ts',
    slipway: 'src/engine/index.ts',
    oci: 'src/oci/index.ts',
    dockerfile: 'src/dockerfile/index.ts',
    image: 'src/image/index.ts',
    layer: 'src/layer/index.ts',
    transfer: 'src/transfer/index.ts',
    serve: 'src/serve/index.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  chunkNames: '[name]-[hash]',
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: true,
  metafile: true,
  logLevel: 'warning',
  legalComments: 'none',
  // native code stays where npm put it
  external: ['koffi', 'bcrypt'],
  define: { SLIPWAY_VERSION: JSON.stringify(version), SLIPWAY_COMMIT: JSON.stringify(commit()) },
  // CommonJS dependencies inside an ES module
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
})
removeStale(new Set(Object.keys(built.metafile.outputs)))
rmSync('dist/cache', { recursive: true, force: true })
if (process.argv.includes('--types')) {
  execFileSync(process.execPath, ['node_modules/.bin/tsc', '-p', 'scripts/tsconfig.types.json'], { stdio: 'inherit' })
}
writeFileSync('dist/ready', version)

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return ''
  }
}

/** Chunks of earlier builds go last: a program that runs meanwhile may still load them. */
function removeStale(current: Set<string>): void {
  for (const file of readdirSync('dist')) {
    if (file.endsWith('.js') && !current.has(`dist/${file}`)) rmSync(`dist/${file}`)
  }
}
