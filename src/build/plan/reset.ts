import type { StageState } from './stage-state.ts'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

type Config = StageState['config']

/** Fields that are taken away whole. */
const WHOLE = {
  entrypoint: 'Entrypoint',
  cmd: 'Cmd',
  user: 'User',
  healthcheck: 'Healthcheck',
  onbuild: 'OnBuild',
  shell: 'Shell',
  stopsignal: 'StopSignal',
} as const satisfies Record<string, keyof Config>

/** Fields with parts of which one can be taken away. */
const PARTS = { volumes: 'Volumes', expose: 'ExposedPorts', labels: 'Labels' } as const

/** What can be reset, by the names that users write. */
export const RESETS: readonly string[] = [
  'all',
  'volumes',
  'env',
  'expose',
  'labels',
  'entrypoint',
  'cmd',
  'user',
  'workdir',
  'healthcheck',
  'onbuild',
  'shell',
  'stopsignal',
]

/**
 * Takes away what a stage has of one kind, or the one part of it that is named. Whether there was anything does not
 * matter. Answers false for a part of something that has none.
 */
export function applyReset(stage: StageState, name: string, part: string | undefined): boolean {
  if (name === 'env') resetEnv(stage, part)
  else if (Object.hasOwn(PARTS, name)) resetParts(stage, PARTS[name as keyof typeof PARTS], part)
  else if (part !== undefined) return false
  else if (name === 'all') for (const each of RESETS.slice(1)) applyReset(stage, each, undefined)
  else if (name === 'workdir') stage.config.WorkingDir = '/'
  else delete stage.config[WHOLE[name as keyof typeof WHOLE]]
  return true
}

function resetParts(stage: StageState, field: (typeof PARTS)[keyof typeof PARTS], part: string | undefined): void {
  const value = stage.config[field]
  delete stage.config[field]
  if (part === undefined || !value) return
  const rest = Object.entries(value).filter(
    ([key]) => key !== part && !(field === 'ExposedPorts' && key === `${part}/tcp`),
  )
  if (rest.length > 0) stage.config = { ...stage.config, [field]: Object.fromEntries(rest) }
}

/** Without a PATH nothing could be run: it gets the one that images without any have. */
function resetEnv(stage: StageState, part: string | undefined): void {
  const pairs = stage.config.Env ?? []
  const nameOf = (pair: string): string => pair.slice(0, pair.indexOf('='))
  const gone = pairs.filter((pair) => part === undefined || nameOf(pair) === part)
  for (const pair of gone) stage.env.delete(nameOf(pair))
  const rest = pairs.filter((pair) => !gone.includes(pair))
  const hasPath = rest.some((pair) => nameOf(pair) === 'PATH')
  if (!hasPath) stage.env.set('PATH', DEFAULT_PATH)
  stage.config.Env = hasPath ? rest : [`PATH=${DEFAULT_PATH}`, ...rest]
}
