import { describe, expect, test } from 'vitest'
import { type ListFormats, renderList } from './list.ts'

const formats: ListFormats = {
  typeName: '*formatter.imageContext',
  headers: { ID: 'IMAGE ID', Repository: 'REPOSITORY', Tag: 'TAG', Size: 'SIZE' },
  named: { table: 'table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.Size}}', raw: 'id: {{.ID}}' },
}
const labels: Record<string, string> = { 'com.example.my-key': 'v' }
const rows = [
  {
    Repository: 'alpine',
    Tag: 'latest',
    ID: '1234567890ab',
    Size: '7.8MB',
    Label: (name: string) => labels[name] ?? '',
  },
  { Repository: '名前', Tag: '<none>', ID: 'ba0987654321', Size: () => '1GB', Label: (_name: string) => '' },
]

test('the default table is aligned as Docker does, by the width on the terminal', () => {
  const expected = [
    'REPOSITORY   TAG       IMAGE ID       SIZE',
    'alpine       latest    1234567890ab   7.8MB',
    '名前         <none>    ba0987654321   1GB',
    '',
  ].join('\n')
  expect(renderList('table', formats, rows)).toBe(expected)
  expect(renderList('', formats, rows)).toBe(expected)
})

test('an empty list is a heading', () => {
  expect(renderList('table', formats, [])).toBe('REPOSITORY   TAG       IMAGE ID   SIZE\n')
  expect(renderList('json', formats, [])).toBe('')
})

test('table TEMPLATE has headings for fields, functions and labels', () => {
  const format = 'table {{upper .Repository}}\\t{{truncate .ID 4}}\\t{{.Label "com.example.my-key"}}\\t{{pad .Tag 1 1}}'
  expect(renderList(format, formats, rows)).toBe(
    [
      'REPOSITORY   IMAGE ID   my key     TAG ',
      'ALPINE       1234       v          latest ',
      '名前         ba09                  <none> ',
      '',
    ].join('\n'),
  )
})

test('json is one object per line, with sorted keys and without methods that want arguments', () => {
  expect(renderList('json', formats, rows)).toBe(
    '{"ID":"1234567890ab","Repository":"alpine","Size":"7.8MB","Tag":"latest"}\n' +
      '{"ID":"ba0987654321","Repository":"名前","Size":"1GB","Tag":"<none>"}\n',
  )
})

test('named formats and plain templates', () => {
  expect(renderList('raw', formats, rows)).toBe('id: 1234567890ab\nid: ba0987654321\n')
  expect(renderList('  {{.Repository}}\\t{{.Size}} ', formats, rows)).toBe('alpine\t7.8MB\n名前\t1GB\n')
})

describe('errors', () => {
  test.each([
    ['{{InvalidFunction}}', 'template parsing error: template: :1: function "InvalidFunction" not defined'],
    ['{{nil}}', 'template parsing error: template: :1:2: executing "" at <nil>: nil is not a command'],
    [
      '{{.Nope}}',
      `template parsing error: template: :1:2: executing "" at <.Nope>: can't evaluate field Nope in type *formatter.imageContext`,
    ],
    [
      '{{.Label}}',
      'template parsing error: template: :1:2: executing "" at <.Label>: wrong number of args for Label: want 1 got 0',
    ],
  ])('%s', (format, message) => {
    expect(() => renderList(format, formats, rows)).toThrow(expect.objectContaining({ message }))
  })

  test('a wrong template fails without rows too', () => {
    expect(() => renderList('{{', formats, [])).toThrow('template parsing error: template: :1: unclosed action')
  })
})
