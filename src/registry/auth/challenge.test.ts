import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseChallenges } from './challenge.ts'

const read = (header: string | string[]): unknown[] =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])

describe('parseChallenges', () => {
  test.each<[string, string | string[], unknown[]]>([
    ['Basic', 'Basic realm="r"', [['basic', { realm: 'r' }]]],
    [
      'a scope with commas',
      'Bearer realm="https://h/t",service="s",scope="repository:a/b:pull,push"',
      [['bearer', { realm: 'https://h/t', service: 's', scope: 'repository:a/b:pull,push' }]],
    ],
    ['names in any case', 'BEARER Realm="r"', [['bearer', { realm: 'r' }]]],
    [
      'values without quotes',
      'Bearer realm=https://h/t?a=b,service=s',
      [['bearer', { realm: 'https://h/t?a=b', service: 's' }]],
    ],
    ['space around equals signs', 'Bearer realm = "r" ,  service= s', [['bearer', { realm: 'r', service: 's' }]]],
    ['quoted quotes', 'Basic realm="a \\"b\\" \\\\"', [['basic', { realm: 'a "b" \\' }]]],
    [
      'several in one header',
      'Negotiate, Basic realm="r", Bearer realm="t", service="s"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'r' }],
        ['bearer', { realm: 't', service: 's' }],
      ],
    ],
    [
      'several headers',
      ['Basic realm="r"', 'Bearer realm="t"'],
      [
        ['basic', { realm: 'r' }],
        ['bearer', { realm: 't' }],
      ],
    ],
    [
      'data in place of parameters',
      'Negotiate YWJj==, Basic realm="r"',
      [
        ['negotiate', {}],
        ['basic', { realm: 'r' }],
      ],
    ],
    ['the first of two', 'Basic realm="a", realm="b"', [['basic', { realm: 'a' }]]],
    ['an open quote', 'Basic realm="r', [['basic', { realm: 'r' }]]],
    ['nothing', '', []],
    ['nonsense', ',,, "', []],
    ['a name of Object', 'Basic __proto__="x"', [['basic', Object.fromEntries([['__proto__', 'x']])]]],
  ])('reads %s', (_name, header, expected) => {
    expect(read(header)).toEqual(expected)
  })

  test('ends, whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(...'aB="\\, \t;/+'), maxLength: 200 }),
        (text) => void parseChallenges(text),
      ),
    )
    expect(parseChallenges(`Basic ${'a="'.repeat(1e6)}`)).toHaveLength(1)
  })

  test('reads back what is written', () => {
    const value = fc.string({ maxLength: 30 }).filter((text) => !/[\r\n]/.test(text))
    fc.assert(
      fc.property(value, value, (a, b) => {
        const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`
        expect(read(`Bearer realm=${quote(a)}, service=${quote(b)}`)).toEqual([['bearer', { realm: a, service: b }]])
      }),
    )
  })
})
