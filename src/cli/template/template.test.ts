import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileTemplate, renderTemplate } from './template.ts'
import { ANY, ANY_JSON, pointerTo, structOf, toValue, unbox } from './values.ts'

const data = {
  Name: 'web',
  Size: 12,
  Ratio: 2.5,
  Up: true,
  Nothing: null,
  Empty: '',
  Tags: ['a:1', 'b:2'],
  Config: { Env: ['A=1', 'B=2'], Labels: { 'com.example.x': 'y', n: '1' }, User: null },
}
const render = (text: string, value: unknown = data): string =>
  renderTemplate(compileTemplate(text), unbox(toValue(ANY, value)))

// What Go's text/template with Docker's functions prints for the same text and data.
test.each([
  ['{{.Name}} {{.Size}} {{.Ratio}} {{.Up}}', 'web 12 2.5 true'],
  [
    '{{.}}',
    'map[Config:map[Env:[A=1 B=2] Labels:map[com.example.x:y n:1] User:<nil>] Empty: Name:web Nothing:<nil> Ratio:2.5 Size:12 Tags:[a:1 b:2] Up:true]',
  ],
  ['{{.Missing}}|{{.Nothing}}|{{.Missing.Deep}}', '<no value>|<no value>|<no value>'],
  ['{{.Config.Labels}}', 'map[com.example.x:y n:1]'],
  ['{{json .Config}}', '{"Env":["A=1","B=2"],"Labels":{"com.example.x":"y","n":"1"},"User":null}'],
  ['{{index .Config.Labels "com.example.x"}}', 'y'],
  ['{{index .Tags 1}}', 'b:2'],
  ['{{slice .Name 1 2}}{{len .Tags}}', 'e2'],
  ['{{range .Config.Env}}{{println .}}{{end}}', 'A=1\nB=2\n'],
  ['{{range $i, $t := .Tags}}{{if $i}}, {{end}}{{$t}}{{end}}', 'a:1, b:2'],
  ['{{range $k, $v := .Config.Labels}}{{$k}}={{$v}};{{end}}', 'com.example.x=y;n=1;'],
  ['{{range .Nothing}}x{{else}}none{{end}}', 'none'],
  ['{{range 3}}{{.}}{{end}}', '012'],
  ['{{range .Tags}}{{if eq . "b:2"}}{{continue}}{{end}}{{.}}{{end}}', 'a:1'],
  ['{{range .Tags}}{{.}}{{break}}{{end}}', 'a:1'],
  ['{{if .Up}}up{{else}}down{{end}}', 'up'],
  ['{{if .Empty}}a{{else if gt .Size 10}}b{{else}}c{{end}}', 'b'],
  ['{{with .Config}}{{.Labels.n}}{{$.Name}}{{end}}', '1web'],
  ['{{with .Missing}}a{{else with .Name}}{{.}}{{end}}', 'web'],
  ['{{$x := .Size}}{{if true}}{{$x = 5}}{{end}}{{$x}}', '5'],
  ['{{define "row"}}<{{.}}>{{end}}{{range .Tags}}{{template "row" .}}{{end}}', '<a:1><b:2>'],
  ['{{block "b" .Config}}{{.User}}{{end}}', '<no value>'],
  ['a  {{- /* note */ -}}  b', 'ab'],
  ['a {{- .Name -}} b', 'awebb'],
  ['{{"quoted \\"text\\"\\t\\u00e9"}}{{`raw\\n`}}', 'quoted "text"\téraw\\n'],
  [`{{'a'}} {{0x1F}} {{1e3}} {{-4}} {{1_000}}`, '97 31 1000 -4 1000'],
  ['{{and .Up .Name}} {{or .Empty .Nothing "x"}} {{not .Up}}', 'web x false'],
  ['{{or .Up (index .Tags 9)}}', 'true'],
  ['{{eq .Size 12 13}} {{ne .Name "db"}} {{lt 1 2}} {{le "b" "a"}} {{ge .Ratio 2.5}}', 'true true true false true'],
  ['{{.Name | upper | printf "%s-%d" "x" | len}}', '17'],
  [
    `{{print 1 2 "a" 3}} {{html "<&>"}} {{js "a='b'"}} {{urlquery "a b&c"}}`,
    "1 2a3 &lt;&amp;&gt; a\\u003D\\'b\\' a+b%26c",
  ],
  [
    '{{join (split "a/b/c" "/") "+"}} {{title "hello wORLD"}} {{lower "AbC"}} {{pad "x" 1 2}}| {{truncate "abcdef" 3}}',
    'a+b+c Hello WORLD abc  x  | abc',
  ],
  ['{{(index .Config.Env 0)}} {{(.Config).Labels.n}}', 'A=1 1'],
  ['{{len "héé"}} {{index "abc" 1}} {{slice "héllo" 1 3}}', '5 98 é'],
])('%s', (text, expected) => {
  expect(render(text)).toBe(expected)
})

// Go's error texts, word for word: people search for them.
test.each([
  ['{{.Name.First}}', `template: :1:7: executing "" at <.Name.First>: can't evaluate field First in type interface {}`],
  ['{{.Name', 'template: :1: unclosed action'],
  ['{{.Name}', `template: :1: bad character U+007D '}'`],
  ['{{if .Up}}', 'template: :1: unexpected EOF'],
  ['{{end}}', 'template: :1: unexpected {{end}}'],
  ['{{else}}', 'template: :1: unexpected {{else}}'],
  ['{{foo}}', 'template: :1: function "foo" not defined'],
  ['{{$y}}', 'template: :1: undefined variable "$y"'],
  ['{{.Name 1}}', 'template: :1:2: executing "" at <.Name>: Name is not a method but has arguments'],
  ['{{nil}}', 'template: :1:2: executing "" at <nil>: nil is not a command'],
  ['{{1 | 2}}', 'template: :1: non executable command in pipeline stage 2'],
  ['{{.Name | 2}}', 'template: :1: non executable command in pipeline stage 2'],
  ['{{"open}}', 'template: :1: unterminated quoted string'],
  ['{{/* open }}', 'template: :1: unclosed comment'],
  ['{{range .Name}}{{end}}', `template: :1:8: executing "" at <.Name>: range can't iterate over web`],
  [
    '{{range $a, $b := 3}}{{end}}',
    `template: :1:18: executing "" at <3>: can't use 3 to iterate over more than one variable`,
  ],
  ['{{index .Tags 5}}', 'template: :1:2: executing "" at <index .Tags 5>: error calling index: index out of range: 5'],
  [
    '{{index .Tags "x"}}',
    'template: :1:2: executing "" at <index .Tags "x">: error calling index: cannot index slice/array with type string',
  ],
  [
    '{{index .Nothing 1}}',
    'template: :1:2: executing "" at <index .Nothing 1>: error calling index: index of untyped nil',
  ],
  ['{{len .Size}}', 'template: :1:2: executing "" at <len .Size>: error calling len: len of type int'],
  [
    '{{lt .Size "x"}}',
    'template: :1:2: executing "" at <lt .Size "x">: error calling lt: incompatible types for comparison: int and string',
  ],
  [
    '{{eq .Tags .Tags}}',
    'template: :1:2: executing "" at <eq .Tags .Tags>: error calling eq: non-comparable type [a:1 b:2]: []interface {}',
  ],
  ['{{template "nope"}}', 'template: :1:11: executing "" at <{{template "nope"}}>: template "nope" not defined'],
  ['{{upper .Size}}', 'template: :1:8: executing "" at <.Size>: wrong type for value; expected string; got int'],
  ['{{upper 5}}', 'template: :1:8: executing "" at <5>: expected string; found 5'],
  ['{{truncate "a"}}', 'template: :1:2: executing "" at <truncate>: wrong number of args for truncate: want 2 got 1'],
  [
    '{{join .Tags ","}}',
    'template: :1:7: executing "" at <.Tags>: wrong type for value; expected []string; got []interface {}',
  ],
  ['{{break}}', 'template: :1: {{break}} outside {{range}}'],
  ['{{define "a"}}1{{end}}{{define "a"}}2{{end}}', 'template: :1: template: multiple definition of template "a"'],
  [
    '{{.Config.User.Name}}',
    'template: :1:9: executing "" at <.Config.User.Name>: nil pointer evaluating interface {}.Name',
  ],
  ['{{(nil).x}}', 'template: :1:3: executing "" at <nil>: nil is not a command'],
  ['{{1.x}}', 'template: :1: bad number syntax: "1.x"'],
  ['{{.Name\n\n', 'template: :3: unclosed action started at :1'],
  ['a\nbé {{.Name.x}}', `template: :2:11: executing "" at <.Name.x>: can't evaluate field x in type interface {}`],
  ['{{@}}', 'template: :1: unexpected "@" in command'],
  ['{{.a-b}}', `template: :1: bad character U+002D '-'`],
  ['{{3x}}', 'template: :1: bad number syntax: "3x"'],
  ['{{99999999999999999999}}', 'template: :1: integer overflow: "99999999999999999999"'],
  [
    '{{call .Name}}',
    'template: :1:2: executing "" at <call .Name>: error calling call: non-function .Name of type string',
  ],
  ['{{and}}', 'template: :1:2: executing "" at <and>: wrong number of args for and: want at least 1 got 0'],
  ['{{eq 1}}', 'template: :1:2: executing "" at <eq 1>: error calling eq: missing argument for comparison'],
])('%s fails', (text, message) => {
  expect(() => render(text)).toThrow(expect.objectContaining({ message }))
})

describe('data as Docker decodes it a second time', () => {
  const raw = (text: string, value: unknown): string =>
    renderTemplate(compileTemplate(text), unbox(toValue(ANY_JSON, value)), { missingKeyFails: true })

  test('numbers are their digits, also those that JavaScript cannot hold', () => {
    const big = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('12345678901234567890')
    expect(raw('{{.n}} {{.big}} {{json .}} {{printf "%T" .n}}', { n: 5, big })).toBe(
      '5 12345678901234567890 {"big":12345678901234567890,"n":5} json.Number',
    )
  })

  test('a key that is not there is an error', () => {
    expect(() => raw('{{.Foo}}', { a: 1 })).toThrow(
      'template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"',
    )
    expect(() => raw('{{.a.b}}', { a: null })).toThrow('nil pointer evaluating interface {}.b')
  })
})

describe('described structs', () => {
  const health = structOf('container.Health', { Status: 'string' })
  const config = structOf('container.Config', {
    Env: '[]string',
    Volumes: 'map[string]any',
    Tty: 'bool',
    User: 'string',
  })
  const type = structOf('image.InspectResponse', {
    ID: ['Id', 'string'],
    Config: pointerTo(config),
    Health: pointerTo(health),
    Size: 'int64',
  })
  const typed = (text: string, value: unknown): string => renderTemplate(compileTemplate(text), toValue(type, value))

  test('have zero values for what the data leaves out, and Go names for its keys', () => {
    const text = '{{.ID}} {{.Config.Env}} {{.Config.Volumes}} {{.Config.Tty}} <{{.Config.User}}> {{.Health}} {{.Size}}'
    expect(typed(text, { Id: 'sha256:1', Config: { Env: ['A=b'] } })).toBe('sha256:1 [A=b] map[] false <> <nil> 0')
    expect(
      typed('{{len .Config.Env}}{{range .Config.Env}}x{{end}}{{if .Config.Volumes}}y{{end}}', { Config: {} }),
    ).toBe('0')
  })

  test('keep the order of the data in JSON, and take lists as []string', () => {
    expect(typed('{{json .Config}}', { Config: { User: 'u', Env: null } })).toBe('{"User":"u","Env":null}')
    expect(typed('{{join .Config.Env ";"}}', { Config: { Env: ['a', 'b'] } })).toBe('a;b')
  })

  test('know their fields', () => {
    expect(() => typed('{{.Id}}', { Id: 'x' })).toThrow("can't evaluate field Id in type image.InspectResponse")
    expect(() => typed('{{.Config.Nope}}', { Config: {} })).toThrow(
      "can't evaluate field Nope in type *container.Config",
    )
    expect(() => typed('{{.Health.Status}}', {})).toThrow('nil pointer evaluating *container.Health.Status')
    expect(() => typed('{{.Health.Nope}}', {})).toThrow("can't evaluate field Nope in type *container.Health")
  })

  test('print like Go structs', () => {
    const point = structOf('main.P', { X: 'int', Y: 'string' })
    const text = '{{.}} {{printf "%+v %#v %T" . . .}}'
    expect(renderTemplate(compileTemplate(text), toValue(point, { X: 1, Y: 'a' }))).toBe(
      '{1 a} {X:1 Y:a} main.P{X:1, Y:"a"} main.P',
    )
  })
})

describe('hostile names', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

  test.each(names)('%s is only a key', (name) => {
    expect(render(`{{.${name}}}{{index . "${name}"}}{{.x.${name}}}`, { x: {} })).toBe('<no value>'.repeat(3))
    const own = JSON.parse(`{"${name}":{"a":1}}`)
    expect(render(`{{.${name}.a}} {{json .}}`, own)).toBe(`1 {"${name}":{"a":1}}`)
  })

  test.each(names)('%s is no field of a struct and no method of a row', (name) => {
    const failing = (type: Parameters<typeof toValue>[0]): string =>
      renderTemplate(compileTemplate(`{{.${name}}}`), toValue(type, { A: 1 }))
    expect(() => failing(structOf('t', { A: 'int' }))).toThrow(`can't evaluate field ${name} in type t`)
    expect(() => failing({ kind: 'row', name: 't' })).toThrow(`can't evaluate field ${name} in type t`)
  })
})

describe('limits', () => {
  test('a template that calls itself ends', () => {
    expect(() => render('{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}')).toThrow(
      /exceeded maximum template depth/,
    )
  })

  test.each([
    ['parentheses', `{{${'('.repeat(100_000)}1${')'.repeat(100_000)}}}`],
    ['blocks', `${'{{if .Up}}'.repeat(100_000)}${'{{end}}'.repeat(100_000)}`],
    ['chains', `{{if .Up}}${'{{else if .Up}}'.repeat(100_000)}{{end}}`],
  ])('deep %s are refused, not overflowed', (_name, text) => {
    expect(() => compileTemplate(text)).toThrow(/max (expression|nesting) depth exceeded/)
  })

  test('output and work are capped', () => {
    const options = { limits: { output: 100, steps: 1000 } }
    const run = (text: string): string => renderTemplate(compileTemplate(text), undefined, options)
    expect(() => run('{{range 1000}}abc{{end}}')).toThrow(/output is larger than 100/)
    expect(() => run('{{range 1000000000}}{{/* */}}{{$x := 1}}{{end}}')).toThrow(/more than 1000 steps/)
  })

  test('long templates take linear time', () => {
    expect(render('{{.Size}} '.repeat(20_000))).toHaveLength(60_000)
    expect(() => compileTemplate(`{{/*${'{{'.repeat(200_000)}`)).toThrow('unclosed comment')
  })

  test('any text is a template or an error of ours', () => {
    const piece = fc.constantFrom(
      '{{',
      '}}',
      '.a',
      ' ',
      '|',
      '(',
      ')',
      '"',
      '`',
      "'",
      '$x',
      ':=',
      '-',
      'if',
      'end',
      'range',
      'é',
      '%d',
      '\\',
      '1',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          render(pieces.join(''), { a: [1, { b: 2 }] })
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^TEMPLATE_/) })
        }
      }),
      { numRuns: 2000 },
    )
  })
})

test('functions of the data can be called', () => {
  expect(render('{{call .f 2 "x"}}', { f: (n: number, s: string) => s.repeat(n) })).toBe('xx')
  expect(() => render('{{call .f 2}}', { f: (a: number, b: number) => a + b })).toThrow(
    'wrong number of args for .f: got 1 want 2',
  )
  expect(() => render('{{.f}}', { f: () => 1 })).toThrow("can't print")
})
