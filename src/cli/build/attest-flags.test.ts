import { expect, test } from 'vitest'
import { attestationsOf } from './attest-flags.ts'

const of = (attest: string[], provenance?: string, sbom?: string) => attestationsOf({ attest, provenance, sbom })

test.each([
  ['none', of([]), []],
  [
    'on',
    of([], 'true', '1'),
    [
      { type: 'provenance', attributes: {} },
      { type: 'sbom', attributes: {} },
    ],
  ],
  ['off', of([], 'false', 'F'), []],
  ['attributes', of([], 'mode=max,Version=v1'), [{ type: 'provenance', attributes: { mode: 'max', version: 'v1' } }]],
  ['long', of(['type=sbom,generator=x']), [{ type: 'sbom', attributes: { generator: 'x' } }]],
  [
    'the first counts',
    of(['type=provenance,mode=min', 'type=provenance'], 'mode=max'),
    [{ type: 'provenance', attributes: { mode: 'min' } }],
  ],
  ['disabled counts as well', of(['type=sbom,disabled=true'], '', 'true'), []],
])('%s', (_, found, expected) => {
  expect(found).toEqual(expected)
})

// as buildx 0.29 says it
test.each([
  [of.bind(null, ['foo']), 'invalid value foo'],
  [of.bind(null, ['mode=max']), 'attestation type not specified'],
  [of.bind(null, ['=']), 'attestation type not specified'],
  [of.bind(null, [], undefined, 'xx'), 'invalid value xx'],
  [
    of.bind(null, ['type=provenance,disabled=maybe']),
    'invalid value disabled=maybe: strconv.ParseBool: parsing "maybe": invalid syntax',
  ],
])('%s', (work, message) => {
  expect(work).toThrow(expect.objectContaining({ code: 'USAGE_INVALID', message }))
})
