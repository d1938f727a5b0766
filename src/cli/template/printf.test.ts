import { expect, test } from 'vitest'
import { compileTemplate, renderTemplate } from './template.ts'
import { ANY, toValue, unbox } from './values.ts'

const data = { L: ['a', 'b'], I: [1, 2], M: { b: 2, a: 'x' } }

// What Go's fmt.Sprintf gives.
test.each([
  ['{{printf "%d|%5d|%-5d|%05d|%+d|% d" 42 42 42 42 42 42}}', '42|   42|42   |00042|+42| 42'],
  ['{{printf "%x|%X|%#x|%o|%#o|%O|%b|%#b" 255 255 255 8 8 8 5 5}}', 'ff|FF|0xff|10|010|0o10|101|0b101'],
  ['{{printf "%c|%q|%U|%#U" 65 65 128512 8364}}', `A|'A'|U+1F600|U+20AC '€'`],
  [
    '{{printf "%s|%8s|%-8s|%.2s|%q|%+q|%#q" "ab" "ab" "ab" "abc" "é\\n" "é" "raw"}}',
    'ab|      ab|ab      |ab|"é\\n"|"\\u00e9"|`raw`',
  ],
  ['{{printf "%x|% x|%#x|%X" "ab" "ab" "ab" "~"}}', '6162|61 62|0x6162|7E'],
  ['{{printf "%t|%v|%5t" true false true}}', 'true|false| true'],
  [
    '{{printf "%f|%.2f|%8.3f|%-8.1f|%08.2f|%+.1f" 3.14159 2.5 1.0 2.25 -3.7 1.5}}',
    '3.141590|2.50|   1.000|2.2     |-0003.70|+1.5',
  ],
  [
    '{{printf "%e|%E|%.0e|%g|%G|%v" 12345.678 0.00012 15.0 1e10 1e-7 1e6}}',
    '1.234568e+04|1.200000E-04|2e+01|1e+10|1E-07|1e+06',
  ],
  ['{{printf "%.0f %.0f %.0f %.1f %.2f" 0.5 1.5 2.5 0.25 1.005}}', '0 2 2 0.2 1.00'],
  ['{{printf "%g %g %g %g" 100000.0 1000000.0 123456789.0 0.0001}}', '100000 1e+06 1.23456789e+08 0.0001'],
  ['{{printf "%.3g|%.10g|%#g" 1234.5678 1234.5678 1.0}}', '1.23e+03|1234.5678|1.00000'],
  ['{{printf "%.30f" 0.1}}', '0.100000000000000005551115123126'],
  ['{{printf "%v %+v" .M .L}}', 'map[a:x b:2] [a b]'],
  ['{{printf "%#v %#v %#v %#v" 1 "a" true .M}}', '1 "a" true map[string]interface {}{"a":"x", "b":2}'],
  ['{{printf "%T %T %T %T %T" 1 "a" 1.5 .M .L}}', 'int string float64 map[string]interface {} []interface {}'],
  ['{{printf "%d %q %5.1f" .I .L 2.25}}', '[1 2] ["a" "b"]   2.2'],
  ['{{printf "%[2]d %[1]d" 1 2}}', '2 1'],
  ['{{printf "%*d|%-*d|%.*f" 5 1 4 2 2 3.14159}}', '    1|2   |3.14'],
  ['{{printf "%6.2f%%" 99.955}}', ' 99.95%'],
  ['{{printf "%d" "a"}}', '%!d(string=a)'],
  ['{{printf "%s" 1}}', '%!s(int=1)'],
  ['{{printf "%z" 1}}', '%!z(int=1)'],
  ['{{printf "%d"}}', '%!d(MISSING)'],
  ['{{printf "%d" 1 2 "x"}}', '1%!(EXTRA int=2, string=x)'],
  ['{{printf "%"}}', '%!(NOVERB)'],
  ['{{printf "%!"}}', '%!!(MISSING)'],
  ['{{printf "%[5]d" 1}}', '%!d(BADINDEX)'],
  ['{{printf "%[x]d" 1}}', '%!d(BADINDEX)'],
  ['{{printf "%v|%d" nil nil}}', '<nil>|%!d(<nil>)'],
  ['{{printf "%*d" "a" 4}}', '%!(BADWIDTH)4'],
  ['{{printf "%.*d" -3 4}}', '%!(BADPREC)4'],
  ['{{printf "%s" .M}}', 'map[a:x b:%!s(int=2)]'],
  ['{{printf "%8.3d|%-8.3d|%+.3d" 5 5 5}}', '     005|005     |+005'],
  ['{{printf "%10v|%-10v|" true "x"}}', '      true|x         |'],
  ['{{printf "%05s|%-05d|" "ab" 3}}', '000ab|3    |'],
])('%j', (text, expected) => {
  expect(renderTemplate(compileTemplate(text), unbox(toValue(ANY, data)))).toBe(expected)
})
