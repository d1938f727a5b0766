import { expect, test } from 'vitest'
import { digestOf } from '../../core/index.ts'
import type { Op, Vertex } from '../graph.ts'
import { createVertex } from '../plan/stage-state.ts'
import { imagePackageUrl, materialsOf } from './materials.ts'

const platform = { os: 'linux', architecture: 'amd64' }
const digest = digestOf('image')
const hex = digest.slice(7)

// as BuildKit 0.25 writes them, but for the colon, which purl-spec leaves as it is
test.each([
  ['docker.io/library/busybox:latest', 'pkg:docker/busybox@latest?platform=linux%2Famd64'],
  ['docker.io/me/app:1.0', 'pkg:docker/me/app@1.0?platform=linux%2Famd64'],
  ['registry.example:5000/a/b/c:x', 'pkg:docker/registry.example:5000/a/b/c@x?platform=linux%2Famd64'],
  [`docker.io/library/busybox:1@${digest}`, `pkg:docker/busybox@1?digest=sha256:${hex}&platform=linux%2Famd64`],
  [`docker.io/library/busybox@${digest}`, `pkg:docker/busybox?digest=sha256:${hex}&platform=linux%2Famd64`],
])('%s', (name, expected) => {
  expect(imagePackageUrl(name, platform)).toBe(expected)
})

const vertex = (op: Op, ...inputs: Vertex[]): Vertex => createVertex(op, inputs, { label: '' })

test('what a graph took from elsewhere, each once, without passwords', () => {
  const image = (reference: string): Vertex => vertex({ kind: 'image', reference, platform, diffIds: [] })
  const http = vertex({ kind: 'http', url: 'https://me:hush@example.com/a.tar', checksum: null })
  const git = vertex({ kind: 'git', url: 'https://example.com/r.git', checksum: null, keepGitDir: false })
  const base = image(`docker.io/library/b:1@${digest}`)
  const vertices = [git, http, base, image('scratch'), base]
  const commit = { sha1: 'c'.repeat(40) }
  const digestsOf = ({ op }: Vertex): Record<string, string> | undefined => (op.kind === 'git' ? commit : undefined)
  expect(materialsOf(vertices, digestsOf)).toEqual({
    materials: [
      { uri: 'https://example.com/a.tar', digest: {} },
      { uri: 'https://example.com/r.git', digest: commit },
      { uri: 'pkg:docker/b@1?platform=linux%2Famd64', digest: { sha256: hex } },
    ],
    complete: true,
  })
  expect(materialsOf([vertex({ kind: 'context', name: 'context' })], digestsOf)).toEqual({
    materials: [],
    complete: false,
  })
})
