import { type AddInstruction, parseAdd } from './instructions/add.ts'
import { type ArgInstruction, parseArg } from './instructions/arg.ts'
import { type CmdInstruction, parseCmd } from './instructions/cmd.ts'
import { type CopyInstruction, parseCopy } from './instructions/copy.ts'
import { type EntrypointInstruction, parseEntrypoint } from './instructions/entrypoint.ts'
import { type EnvInstruction, parseEnv } from './instructions/env.ts'
import { type ExposeInstruction, parseExpose } from './instructions/expose.ts'
import { type FromInstruction, parseFrom } from './instructions/from.ts'
import { type HealthcheckInstruction, parseHealthcheck } from './instructions/healthcheck.ts'
import { type LabelInstruction, parseLabel } from './instructions/label.ts'
import { type MaintainerInstruction, parseMaintainer } from './instructions/maintainer.ts'
import { malformed } from './instructions/malformed.ts'
import { type OnbuildInstruction, parseOnbuild } from './instructions/onbuild.ts'
import { parseRun, type RunInstruction } from './instructions/run.ts'
import { parseShell, type ShellInstruction } from './instructions/shell.ts'
import { parseStopsignal, type StopsignalInstruction } from './instructions/stopsignal.ts'
import { parseUser, type UserInstruction } from './instructions/user.ts'
import { parseVolume, type VolumeInstruction } from './instructions/volume.ts'
import { parseWorkdir, type WorkdirInstruction } from './instructions/workdir.ts'
import { type DockerfileNode, KEYWORDS, type Keyword, keywordOf } from './node.ts'
import { didYouMeanName } from './suggest.ts'

/** Any instruction, told apart by `kind`. Plain data. */
export type Instruction =
  | AddInstruction
  | ArgInstruction
  | CmdInstruction
  | CopyInstruction
  | EntrypointInstruction
  | EnvInstruction
  | ExposeInstruction
  | FromInstruction
  | HealthcheckInstruction
  | LabelInstruction
  | MaintainerInstruction
  | OnbuildInstruction
  | RunInstruction
  | ShellInstruction
  | StopsignalInstruction
  | UserInstruction
  | VolumeInstruction
  | WorkdirInstruction

const PARSERS: { readonly [K in Keyword]: (node: DockerfileNode) => Extract<Instruction, { kind: K }> } = {
  add: parseAdd,
  arg: parseArg,
  cmd: parseCmd,
  copy: parseCopy,
  entrypoint: parseEntrypoint,
  env: parseEnv,
  expose: parseExpose,
  from: parseFrom,
  healthcheck: parseHealthcheck,
  label: parseLabel,
  maintainer: parseMaintainer,
  onbuild: parseOnbuild,
  run: parseRun,
  shell: parseShell,
  stopsignal: parseStopsignal,
  user: parseUser,
  volume: parseVolume,
  workdir: parseWorkdir,
}

/** Understands one instruction. Fails with `DOCKERFILE_INVALID` and the like, in BuildKit's words, with a place. */
export function parseInstruction(node: DockerfileNode): Instruction {
  const keyword = keywordOf(node)
  if (keyword) return PARSERS[keyword](node)
  const name = node.keyword.text
  throw malformed(node.keyword, `unknown instruction: ${name}${didYouMeanName(name, KEYWORDS)}`)
}
