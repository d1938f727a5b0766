import { expect, test } from 'vitest'
import { CONTAINER_TYPE } from './container-type.ts'
import { IMAGE_TYPE } from './image-type.ts'
import { renderInspect } from './inspect.ts'
import { type GoType, structOf } from './values.ts'

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
  expect(output.text).toBe('1\n1\n')
  expect(output.failures).toHaveLength(1)
  const wrong = renderInspect('{{.Nope}}', objects)
  expect(wrong.text).toBe('\n')
  expect(wrong.failures.map((failure) => failure.message)).toEqual([
    'template parsing error: template: :1:2: executing "" at <.Nope>: map has no entry for key "Nope"',
  ])
})

test('an object can have the fields of its type only', () => {
  const { failures } = renderInspect('{{.Id}}', [{ ...objects[0]!, isTypedOnly: true }])
  expect(failures[0]!.message).toMatch(/can't evaluate field Id in type image.InspectResponse$/)
})

test('a template that cannot be parsed fails at once', () => {
  expect(() => renderInspect('{{', objects)).toThrow('template parsing error: template: :1: unclosed action')
})

test('images and containers have the fields and zero values of the Engine API', () => {
  const show = (format: string, data: unknown, of: GoType): string =>
    renderInspect(format, [{ data, type: of }]).text.trim()
  const found = {
    Id: 'sha256:1',
    RepoTags: ['a:1', 'b:2'],
    Metadata: { LastTagTime: '2026-11-21T13:54:22.550Z' },
    Config: {},
  }
  expect(show('{{.ID}} {{.Id}}', found, IMAGE_TYPE)).toBe('')
  expect(show('{{join .RepoTags ","}}{{.Config.Entrypoint}}{{.Config.Labels}}', found, IMAGE_TYPE)).toBe(
    'a:1,b:2[]map[]',
  )
  expect(show('{{.Metadata.LastTagTime}}', found, IMAGE_TYPE)).toBe('2026-11-21 13:54:22.55 +0000 UTC')
  const container = {
    Config: { Healthcheck: { Interval: 90e9 } },
    NetworkSettings: { Ports: { '80/tcp': [{ HostPort: '8080' }] } },
  }
  const port = '{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}} {{.Config.Healthcheck.Interval}}'
  expect(show(port, container, CONTAINER_TYPE)).toBe('8080 1m30s')
})
