import { expect, test } from 'vitest'
import { renderInspect } from './inspect.ts'
import { structOf } from './values.ts'

const type = structOf('image.InspectResponse', {
  ID: ['Id', 'string'],
  RepoTags: '[]string',
  Descriptor: structOf('v1.Descriptor', { Digest: ['digest', 'string'] }),
})
const image = { Id: 'sha256:1', RepoTags: null, Descriptor: { digest: 'sha256:2' }, Extra: { n: 1 } }
const objects = [{ data: image, type }]

test('without a template: indented and compact JSON arrays', () => {
  expect(renderInspect('', [{ data: { a: [], b: { c: 1 } } }]).text).toBe(
    '[\n    {\n        "a": [],\n        "b": {\n            "c": 1\n        }\n    }\n]\n',
  )
  expect(renderInspect('json', objects).text).toBe(`[${JSON.stringify(image)}]\n`)
  expect(renderInspect('', []).text).toBe('[]\n')
})

test('a template sees the fields of the type first, then the keys of the JSON', () => {
  const show = (format: string): string => renderInspect(format, objects).text
  expect(show('{{.ID}} {{.RepoTags}} {{.Descriptor.Digest}}')).toBe('sha256:1 [] sha256:2\n')
  expect(show('{{.Id}} {{.Descriptor.digest}} {{.Extra.n}}')).toBe('sha256:1 sha256:2 1\n')
})

test('an object that does not fit is reported, and the others are printed', () => {
  const output = renderInspect('{{.Extra.n}}', [...objects, { data: { Id: 'x' } }, ...objects])
  expect(output.text).toBe('1\n<no value>\n1\n')
  const wrong = renderInspect('{{.Nope}}', objects)
  expect(wrong.text).toBe('\n')
  expect(wrong.failures.map((failure) => failure.message)).toEqual([
    'template parsing error: template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"',
  ])
})

test('a template that cannot be parsed fails at once', () => {
  expect(() => renderInspect('{{', objects)).toThrow('template parsing error: template: :1: unclosed action')
})
