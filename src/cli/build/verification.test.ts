import { expect, test } from 'vitest'
import type { LayerDifference } from '../../engine/index.ts'
import { renderVerification } from './verification.ts'

const layers = { first: 'sha256:1', second: 'sha256:2' } as const

function render(...differences: LayerDifference[]): string {
  return renderVerification({ reproducible: differences.length === 0, differences })
}

test('a build that came out the same is said to be reproducible', () => {
  expect(render()).toBe('reproducible: a second build without the cache gave the same layers\n')
})

test('each layer that did not is shown with its step and its first difference', () => {
  const mode: LayerDifference = {
    platform: 'linux/amd64',
    createdBy: 'RUN one',
    layers,
    file: { path: 'd/', what: 'mode', first: '0755', second: '0700' },
  }
  const content: LayerDifference = {
    platform: 'linux/arm64',
    layers,
    file: { path: 'e\xc3\xa4\x1b', what: 'content', offset: 7 },
  }
  const missing: LayerDifference = { platform: 'linux/arm64', layers, file: { path: 'f', what: 'only in the first' } }
  expect(render(mode, content, missing)).toBe(
    [
      'not reproducible: RUN one (linux/amd64)',
      '  first  sha256:1',
      '  second sha256:2',
      '  /d: mode 0755 and 0700',
      'a layer (linux/arm64)',
      '  first  sha256:1',
      '  second sha256:2',
      '  /eä\\u001b: content differs from byte 7 on',
      'a layer (linux/arm64)',
      '  first  sha256:1',
      '  second sha256:2',
      '  /f: only in the first',
      '',
    ].join('\n'),
  )
})

test('where only times differ, there is something to do about it', () => {
  const file = { path: 'f', what: 'mtime', first: '1', second: '2' } as const
  expect(render({ platform: 'linux/amd64', layers, file })).toMatch(
    /\/f: mtime 1 and 2\nhint: with SOURCE_DATE_EPOCH .*\n$/,
  )
})

test('archives and configs may differ alone', () => {
  expect(render({ platform: 'linux/amd64', layers })).toMatch(/ {2}the files are the same, the archives are not\n$/)
  expect(render({ platform: 'linux/amd64' })).toBe('not reproducible: the image config (linux/amd64)\n')
})
