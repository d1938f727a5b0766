import type { CommandEntry, CommandTable } from '../command.ts'
import type { DebugName } from './debug.ts'

/** All commands. A module is loaded when its command is called; `--help` needs only this table. */
export const COMMANDS: CommandTable = {
  groups: [
    { path: 'builder', summary: 'Manage builds' },
    { path: 'builds', summary: 'Manage records of builds' },
    { path: 'buildx imagetools', summary: 'Commands to work on images', hidden: true },
    { path: 'imagetools', summary: 'Work on the manifests of images' },
    { path: 'buildx history', summary: 'Commands to work on build records', hidden: true },
    { path: 'buildx', summary: 'Docker Buildx', hidden: true },
    { path: 'cachemount', summary: 'Manage cache mounts of RUN instructions' },
    { path: 'completion', summary: 'Generate the autocompletion script for the specified shell' },
    { path: 'container', summary: 'Manage containers' },
    { path: 'debug', summary: 'Ask parts of Slipway about rows of JSON', hidden: true },
    { path: 'image', summary: 'Manage images' },
    { path: 'registry', summary: 'Serve images to other machines' },
    { path: 'registry token', summary: 'Manage accounts of programs at a registry of your own' },
    { path: 'manifest', summary: 'Manage Docker image manifests and manifest lists' },
    { path: 'transfers', summary: 'Manage transfers that were cut off' },
    { path: 'system', summary: 'Manage Slipway' },
    { path: 'tags', summary: 'Manage tags in registries' },
  ],
  commands: [
    // images
    {
      paths: ['image build', 'build', 'builder build', 'buildx build', 'buildx b'],
      summary: 'Build an image from a Dockerfile',
      common: 3,
      load: () => import('./build.ts'),
    },
    {
      paths: ['builder prune', 'buildx prune'],
      summary: 'Remove build cache',
      load: () => import('./builder-prune.ts'),
    },
    { paths: ['builder du', 'buildx du'], summary: 'Disk usage', load: () => import('./du.ts') },
    {
      paths: ['image history', 'history'],
      summary: 'Show the history of an image',
      load: () => import('./history.ts'),
    },
    {
      paths: ['image import', 'import'],
      summary: 'Import the contents from a tarball to create a filesystem image',
      load: () => import('./import.ts'),
    },
    {
      paths: ['image inspect'],
      summary: 'Display detailed information on one or more images',
      load: async () => ({ command: (await import('./inspect.ts')).imageCommand }),
    },
    {
      paths: ['image load', 'load'],
      summary: 'Load an image from a tar archive or STDIN',
      load: () => import('./load.ts'),
    },
    {
      paths: ['image ls', 'image list', 'images'],
      summary: 'List images',
      common: 6,
      load: () => import('./images.ts'),
    },
    { paths: ['image prune'], summary: 'Remove unused images', load: () => import('./image-prune.ts') },
    {
      paths: ['image pull', 'pull'],
      summary: 'Download an image from a registry',
      common: 4,
      load: () => import('./pull.ts'),
    },
    {
      paths: ['image push', 'push'],
      summary: 'Upload an image to a registry',
      common: 5,
      load: () => import('./push.ts'),
    },
    {
      paths: ['transfers ls', 'transfers list'],
      summary: 'List what was not transferred to its end',
      load: () => import('./transfers-ls.ts'),
    },
    {
      paths: ['transfers rm', 'transfers remove'],
      summary: 'Forget what was transferred in part',
      load: () => import('./transfers-rm.ts'),
    },
    {
      paths: ['image rm', 'image remove', 'rmi'],
      summary: 'Remove one or more images',
      load: () => import('./rmi.ts'),
    },
    {
      paths: ['image save', 'save'],
      summary: 'Save one or more images to a tar archive (streamed to STDOUT by default)',
      load: () => import('./save.ts'),
    },
    {
      paths: ['image tag', 'tag'],
      summary: 'Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE',
      load: () => import('./tag.ts'),
    },
    {
      paths: ['bootstrap'],
      summary: "Make a base image from a distribution's own packages",
      load: () => import('./bootstrap.ts'),
    },
    {
      paths: ['lock'],
      summary: 'Fix what the names and URLs of a Dockerfile stand for',
      load: () => import('./lock.ts'),
    },
    { paths: ['why'], summary: 'Say why the last build missed the cache', load: () => import('./why.ts') },
    {
      paths: ['imagetools create', 'buildx imagetools create'],
      summary: 'Create a new image based on source images',
      load: () => import('./imagetools-create.ts'),
    },
    {
      paths: ['imagetools inspect', 'buildx imagetools inspect'],
      summary: 'Show the manifests of an image, and what is attached to them',
      load: () => import('./imagetools-inspect.ts'),
    },
    // images between places
    {
      paths: ['copy'],
      summary: 'Copy an image between registries, folders, archives and the store',
      load: () => import('./copy.ts'),
    },
    {
      paths: ['manifest annotate'],
      summary: 'Add additional information to a local image manifest',
      load: () => import('./manifest-annotate.ts'),
    },
    {
      paths: ['manifest create'],
      summary: 'Create a local manifest list for annotating and pushing to a registry',
      load: () => import('./manifest-create.ts'),
    },
    {
      paths: ['manifest inspect'],
      summary: 'Display an image manifest, or manifest list',
      load: () => import('./manifest-inspect.ts'),
    },
    {
      paths: ['manifest push'],
      summary: 'Push a manifest list to a repository',
      load: () => import('./manifest-push.ts'),
    },
    {
      paths: ['manifest rm'],
      summary: 'Delete one or more manifest lists from local storage',
      load: () => import('./manifest-rm.ts'),
    },
    // registries
    {
      paths: ['search'],
      summary: 'Search Docker Hub for images, or any registry for repositories',
      common: 10,
      load: () => import('./search.ts'),
    },
    {
      paths: ['tags ls', 'tags list'],
      summary: 'List the tags of a repository in a registry',
      load: () => import('./tags-ls.ts'),
    },
    {
      paths: ['tags rm', 'tags remove'],
      summary: 'Remove tags from a registry',
      load: () => import('./tags-rm.ts'),
    },
    { paths: ['login'], summary: 'Authenticate to a registry', common: 8, load: () => import('./login.ts') },
    { paths: ['logout'], summary: 'Log out from a registry', common: 9, load: () => import('./logout.ts') },
    // records of builds
    {
      paths: ['builds ls', 'builds list', 'buildx history ls'],
      summary: 'List builds',
      load: () => import('./builds-ls.ts'),
    },
    {
      paths: ['builds logs', 'buildx history logs'],
      summary: 'Print the whole log of a build',
      load: () => import('./builds-logs.ts'),
    },
    {
      paths: ['builds inspect', 'buildx history inspect'],
      summary: 'Show how a build went, step by step',
      load: () => import('./builds-inspect.ts'),
    },
    {
      paths: ['builds rm', 'builds remove', 'buildx history rm'],
      summary: 'Remove build records',
      load: () => import('./builds-rm.ts'),
    },
    // containers
    { paths: ['container create', 'create'], summary: 'Create a new container', load: () => import('./create.ts') },
    {
      paths: ['container inspect'],
      summary: 'Display detailed information on one or more containers',
      load: async () => ({ command: (await import('./inspect.ts')).containerCommand }),
    },
    {
      paths: ['container kill', 'kill'],
      summary: 'Kill one or more running containers',
      load: () => import('./kill.ts'),
    },
    {
      paths: ['container cp', 'cp'],
      summary: 'Copy files/folders out of a container, an image or a build step',
      load: () => import('./cp.ts'),
    },
    {
      paths: ['container diff', 'diff'],
      summary: "Inspect changes to files or directories on a container's filesystem",
      load: () => import('./diff.ts'),
    },
    { paths: ['container logs', 'logs'], summary: 'Fetch the logs of a container', load: () => import('./logs.ts') },
    {
      paths: ['container ls', 'container list', 'container ps', 'ps'],
      summary: 'List containers',
      common: 2,
      load: () => import('./ps.ts'),
    },
    {
      paths: ['container rm', 'container remove', 'rm'],
      summary: 'Remove one or more containers',
      load: () => import('./rm.ts'),
    },
    {
      paths: ['container run', 'run'],
      summary: 'Create and run a new container from an image',
      common: 1,
      load: () => import('./run.ts'),
    },
    {
      paths: ['container start', 'start'],
      summary: 'Start one or more stopped containers',
      load: () => import('./start.ts'),
    },
    {
      paths: ['container stop', 'stop'],
      summary: 'Stop one or more running containers',
      load: () => import('./stop.ts'),
    },
    {
      paths: ['container wait', 'wait'],
      summary: 'Block until one or more containers stop, then print their exit codes',
      load: () => import('./wait.ts'),
    },
    {
      paths: ['__exited'],
      summary: 'Clean up after a container that has ended',
      hidden: true,
      load: () => import('./exited.ts'),
    },
    // cache mounts
    {
      paths: ['cachemount cp'],
      summary: 'Copy files/folders between a cache mount and the local filesystem',
      load: () => import('./cachemount-cp.ts'),
    },
    { paths: ['cachemount du'], summary: 'Show disk usage of cache mounts', load: () => import('./cachemount-du.ts') },
    {
      paths: ['cachemount export'],
      summary: 'Export the files of a cache mount as a tar archive',
      load: () => import('./cachemount-export.ts'),
    },
    {
      paths: ['cachemount import'],
      summary: 'Make or replace a cache mount from a tar archive',
      load: () => import('./cachemount-import.ts'),
    },
    {
      paths: ['cachemount inspect'],
      summary: 'Display detailed information on one or more cache mounts',
      load: () => import('./cachemount-inspect.ts'),
    },
    {
      paths: ['cachemount ls', 'cachemount list'],
      summary: 'List cache mounts',
      load: () => import('./cachemount-ls.ts'),
    },
    { paths: ['cachemount prune'], summary: 'Remove unused cache mounts', load: () => import('./cachemount-prune.ts') },
    {
      paths: ['cachemount rm', 'cachemount remove'],
      summary: 'Remove one or more cache mounts',
      load: () => import('./cachemount-rm.ts'),
    },
    // registry server
    {
      paths: ['registry serve'],
      summary: 'Serve a registry',
      load: () => import('./registry-serve.ts'),
    },
    {
      paths: ['registry gc'],
      summary: 'Remove what nothing in a registry needs',
      load: () => import('./registry-gc.ts'),
    },
    {
      paths: ['registry retention'],
      summary: 'Remove tags that no retention rule keeps',
      load: () => import('./registry-retention.ts'),
    },
    {
      paths: ['registry scrub'],
      summary: 'Look for damaged content of a registry',
      load: () => import('./registry-scrub.ts'),
    },
    {
      paths: ['registry token create'],
      summary: 'Make an account for a program',
      load: () => import('./registry-token-create.ts'),
    },
    {
      paths: ['registry token ls', 'registry token list'],
      summary: 'List accounts of programs',
      load: () => import('./registry-token-ls.ts'),
    },
    {
      paths: ['registry token rm', 'registry token remove'],
      summary: 'Remove one or more accounts of programs',
      load: () => import('./registry-token-rm.ts'),
    },
    // the rest
    { paths: ['inspect'], summary: 'Return low-level information on objects', load: () => import('./inspect.ts') },
    {
      paths: ['system info', 'info'],
      summary: 'Display system-wide information',
      common: 13,
      load: () => import('./info.ts'),
    },
    { paths: ['demo'], summary: 'Show the main job on real input, step by step', load: () => import('./demo.ts') },
    completion('bash'),
    completion('fish'),
    completion('zsh'),
    debug('expand', 'Expand words: {"word","env"} to {"expect","words"} or {"error"}'),
    debug('match', 'Ask ignore patterns about a path: {"patterns","path"} to {"excluded"} or {"error"}'),
    debug('parse', 'Parse Dockerfiles: {"text"} to {"dump","escape","lines","warnings"} or {"error"}'),
    debug('reference', 'Parse image references: {"ref"} to {"domain","path","tag"} or {"error"}'),
    debug('template', 'Run templates: {"text","data"} to {"output"} or {"error"}'),
    { paths: ['help'], summary: 'Help about the command', hidden: true, load: () => import('./help.ts') },
    {
      paths: ['version'],
      summary: 'Show the Slipway version information',
      common: 12,
      load: () => import('./version.ts'),
    },
    {
      paths: ['__complete'],
      summary: 'Names for shells to complete',
      hidden: true,
      load: () => import('./complete.ts'),
    },
  ],
}

function completion(shell: 'bash' | 'fish' | 'zsh'): CommandEntry {
  return {
    paths: [`completion ${shell}`],
    summary: `Generate the autocompletion script for ${shell}`,
    load: async () => ({ command: (await import('./completion.ts')).completionCommand(shell) }),
  }
}

function debug(name: DebugName, summary: string): CommandEntry {
  return {
    paths: [`debug ${name}`],
    summary,
    hidden: true,
    load: async () => ({ command: (await import('./debug.ts')).debugCommand(name) }),
  }
}
