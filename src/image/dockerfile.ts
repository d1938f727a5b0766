import { fail, type SourceFile } from '../core/index.ts'
import type { Image } from './image.ts'
import { refersTo } from './line.ts'
import { word } from './words.ts'

/**
 * The Dockerfile that makes the image: its stages in an order in which each is defined before it is used, the image
 * itself last. Fails with `IMAGE_INVALID` when two different stages have one name.
 */
export function toDockerfile(image: Image): string {
  const stages = stagesOf(image)
  const names = namesOf(stages)
  const nameOf = (stage: Image): string => names.get(stage)!
  return `${stages.map((stage) => write(stage, nameOf, stage !== image || stage.definition.name !== undefined)).join('\n\n')}\n`
}

/** The same as a file that can be built; errors in it show the line that the step became. */
export function sourceOf(image: Image, name: string): SourceFile {
  return { name: `${name} (as a Dockerfile)`, text: toDockerfile(image) }
}

/** All images that this one needs, itself included, needed ones first. Without recursion: chains may be long. */
function stagesOf(image: Image): Image[] {
  const found = new Set<Image>()
  const waiting: { stage: Image; isDone: boolean }[] = [{ stage: image, isDone: false }]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { stage, isDone } = next
    if (found.has(stage)) continue
    if (isDone) {
      found.add(stage)
      continue
    }
    waiting.push({ stage, isDone: true })
    const needed = [...refersTo(stage.definition.base).uses, ...stage.definition.lines.flatMap((line) => line.uses)]
    for (const each of needed.reverse()) waiting.push({ stage: each, isDone: false })
  }
  return [...found]
}

function namesOf(stages: readonly Image[]): Map<Image, string> {
  const names = new Map<Image, string>()
  const taken = new Set<string>()
  for (const stage of stages) {
    const { name } = stage.definition
    if (name === undefined) continue
    if (taken.has(name)) {
      throw fail('IMAGE_INVALID', `two stages have the name ${name}`, {
        hint: 'images that are made from one another have one name: call .as() on the later one as well',
      })
    }
    taken.add(name)
    names.set(stage, name)
  }
  for (const [at, stage] of stages.entries()) {
    if (names.has(stage)) continue
    let name = `stage-${at}`
    while (taken.has(name)) name += '-'
    taken.add(name)
    names.set(stage, name)
  }
  return names
}

function write(stage: Image, nameOf: (image: Image) => string, isNamed: boolean): string {
  const { base, platform, description, lines } = stage.definition
  const from = [
    'FROM',
    ...(platform === undefined ? [] : [`--platform=${word(platform)}`]),
    refersTo(base).name(nameOf) || word(base as string),
    ...(isNamed ? ['AS', nameOf(stage)] : []),
  ]
  const about = description === undefined ? [] : [`# ${nameOf(stage)} ${description.replace(/\s+/g, ' ')}`]
  return [...about, from.join(' '), ...lines.map((line) => line.write(nameOf))].join('\n')
}
