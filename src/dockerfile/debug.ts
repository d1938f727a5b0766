import { messageOf, SlipwayError } from '../core/index.ts'
import { familiarReference, formatReference, parseReference, withDefaultTag } from '../oci/index.ts'
import { dumpTree } from './dump.ts'
import { expand } from './expand.ts'
import { createIgnoreMatcher } from './ignore-matcher.ts'
import { parse } from './parse.ts'

/** The answer where the reference fails too. */
export interface DebugError {
  error: string
}

/** How a Dockerfile was understood, in the terms of BuildKit's parser. */
export interface DebugParse {
  dump: string
  escape: string
  lines: [number, number][]
  warnings: string[] | null
  heredocs?: { child: number; chomp: boolean; content: string; expand: boolean; fd: number; name: string }[]
}

/** Parses the Dockerfile of one row. */
export function debugParse(row: { text: string }): DebugParse | DebugError {
  return answer(() => {
    const tree = parse({ name: 'Dockerfile', text: row.text })
    const heredocs = tree.nodes.flatMap((node, child) =>
      node.heredocs.map(({ chomp, content, expand, fileDescriptor: fd, name }) => ({
        child,
        chomp,
        content,
        expand,
        fd,
        name,
      })),
    )
    return {
      dump: dumpTree(tree),
      escape: tree.escape,
      lines: tree.nodes.map(({ span }): [number, number] => [span.line, span.endLine]),
      warnings: tree.warnings.length === 0 ? null : tree.warnings.map(({ message }) => message),
      ...(heredocs.length === 0 ? {} : { heredocs }),
    }
  })
}

/** A word after expansion; `unmatched` are variables that were asked for and not set. */
export interface DebugExpand {
  expect: string
  words: string[] | null
  unmatched?: string[]
}

/** Expands the word of one row in its environment, a list of `NAME=value` or an object. */
export function debugExpand(row: {
  word: string
  env?: readonly string[] | Record<string, string>
}): DebugExpand | DebugError {
  return answer(() => {
    const env = environmentOf(row.env ?? [])
    const { text, words, unset } = expand(row.word, env)
    return {
      expect: text,
      words: words.length === 0 ? null : [...words],
      ...(unset.size === 0 ? {} : { unmatched: [...unset] }),
    }
  })
}

/** Asks whether patterns of `.dockerignore` exclude a path. */
export function debugMatch(row: { patterns: readonly string[]; path: string }): { excluded: boolean } | DebugError {
  return answer(() => ({ excluded: createIgnoreMatcher(row.patterns).excludes(row.path) }))
}

/** A reference, taken apart and printed in all forms. */
export interface DebugReference {
  domain: string
  path: string
  tag?: string
  digest?: string
  familiar: string
  string: string
  tagNameOnly: string
}

/** Parses the image reference of one row. */
export function debugReference(row: { ref: string }): DebugReference | DebugError {
  return answer(() => {
    const reference = parseReference(row.ref)
    return {
      ...reference,
      familiar: familiarReference(reference),
      string: formatReference(reference),
      tagNameOnly: formatReference(withDefaultTag(reference)),
    }
  })
}

function environmentOf(env: readonly string[] | Record<string, string>): Map<string, string> {
  if (!Array.isArray(env)) return new Map(Object.entries(env))
  return new Map(
    env.map((pair: string): [string, string] => {
      const [name = '', ...value] = pair.split('=')
      return [name, value.join('=')]
    }),
  )
}

function answer<T>(work: () => T): T | DebugError {
  try {
    return work()
  } catch (error) {
    if (error instanceof SlipwayError) return { error: messageOf(error) }
    throw error
  }
}
