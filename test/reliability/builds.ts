/** Builds that use what a builder can: cache mounts, platforms, git, outputs, caches from elsewhere. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { EPOCH, type Operation, type WorkloadSize } from './workload.ts'

const BUILD = ['build', '--progress=plain', '--build-arg', `SOURCE_DATE_EPOCH=${EPOCH}`]

/** What a repository is served as, and where from. */
export interface Repositories {
  folder: string
  url: string
}

/** Writes contexts below `folder`, and a repository for one of them. */
export function makeBuilds(folder: string, size: WorkloadSize, repositories: Repositories): Operation[] {
  const mounts = makeMountsBuild(folder, size)
  return [
    mounts,
    { ...mounts, name: 'cachemount rm', undo: ['cachemount', 'rm', 'shared', 'locked'], undoKeepsImage: true },
    { ...mounts, name: 'builder prune', undo: ['builder', 'prune', '-af'], undoKeepsImage: true },
    importingBuild(folder, mounts),
    platformsBuild(folder, size, repositories),
  ]
}

/** A build with cache mounts, outputs and an exported cache, which go to `out`. */
export function makeMountsBuild(folder: string, size: WorkloadSize, out: string = path.join(folder, 'out')): Operation {
  const { contextFiles, stepFiles } = size
  const context = path.join(folder, 'mounts')
  writeFiles(context, contextFiles >> 1)
  const fill = `set -e; i=0; while [ $i -lt ${stepFiles} ]; do echo "$i" > /c/$i; i=$((i+1)); done`
  const still = (name: string): string => `find /${name} | xargs touch -d @${EPOCH}`
  writeFileSync(
    path.join(context, 'Dockerfile'),
    [
      'FROM busybox AS one',
      `RUN --mount=type=cache,id=shared,target=/c ${fill}; cp -r /c /one; ${still('one')}`,
      'FROM busybox AS two',
      'RUN --mount=type=cache,id=locked,sharing=locked,target=/d --mount=type=tmpfs,target=/t \\',
      `  --mount=type=bind,source=files,target=/b cp -r /b/. /d && cp -r /d /t && cp -r /t/d /two; ${still('two')}`,
      'FROM busybox',
      'RUN --mount=type=cache,id=shared,target=/c ls /c > /dev/null',
      'COPY --from=one /one /one',
      'COPY --link --from=two /two /two',
      '',
    ].join('\n'),
  )
  stopClocks(context)
  const outputs = ['type=image', `type=oci,dest=${out}/image.tar`, `type=local,dest=${out}/tree`]
  const args = [...BUILD, '-t', 'mounted', '--cache-to', `type=local,dest=${out}/cache,mode=max`]
  return {
    ...{ name: 'mounts', image: 'mounted', hasKeeper: true, out },
    args: [...args, ...outputs.flatMap((output) => ['-o', output]), context],
  }
}

/** The same from a cache that another store has exported. */
function importingBuild(folder: string, { args }: Operation): Operation {
  const cache = `dest=${folder}/cache-of-another,mode=max`
  const context = args.at(-1)!
  return {
    ...{ name: 'imports', image: 'imported', hasKeeper: true },
    prepare: [...BUILD, '--cache-to', `type=local,${cache}`, context],
    args: [...BUILD, '-t', 'imported', '--cache-from', `type=local,src=${folder}/cache-of-another`, context],
  }
}

function platformsBuild(folder: string, { contextFiles }: WorkloadSize, repositories: Repositories): Operation {
  const context = path.join(folder, 'platforms')
  writeFiles(context, contextFiles)
  const tree = path.join(repositories.folder, 'many.git')
  writeFiles(tree, contextFiles >> 2)
  const git = ['-c', 'user.name=a', '-c', 'user.email=a@example', '-c', 'init.defaultBranch=main']
  for (const args of [['init'], ['add', '--all'], ['commit', '--message', 'all', '--date', `@${EPOCH} +0000`]])
    execFileSync('git', [...git, ...args], { cwd: tree, stdio: 'ignore' })
  const lines = [
    'FROM scratch AS sources',
    `ADD ${repositories.url}/many.git?ref=main&mtime=commit /git/`,
    'FROM scratch',
    'ARG TARGETARCH',
    'COPY files /files-$TARGETARCH',
    'COPY --from=sources /git /git',
    'COPY <<end /$TARGETARCH',
    '$TARGETARCH',
    'end',
    '',
  ]
  writeFileSync(path.join(context, 'Dockerfile'), lines.join('\n'))
  stopClocks(context)
  const out = path.join(folder, 'out')
  const outputs = [
    '-o',
    'type=image',
    '-o',
    `type=oci,tar=false,dest=${out}/layout`,
    '-o',
    `type=local,dest=${out}/tree`,
  ]
  const args = [...BUILD, '-t', 'platforms', '--platform', 'linux/amd64,linux/arm64', ...outputs, context]
  return { name: 'platforms', image: 'platforms', hasKeeper: false, out, args }
}

function writeFiles(context: string, count: number): void {
  for (let at = 0; at < count; at++) {
    const folder = path.join(context, 'files', String(at % 20))
    mkdirSync(folder, { recursive: true })
    writeFileSync(path.join(folder, `file-${at}`), `content of file ${at}\n`.repeat(1 + (at % 40)))
  }
}

function stopClocks(context: string): void {
  execFileSync('sh', ['-c', `find "$1" | xargs -d '\\n' touch -d @${EPOCH}`, '-', context])
}
