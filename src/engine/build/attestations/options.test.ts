import { expect, test } from 'vitest'
import { attestationOptions } from './options.ts'

const plain = { builderId: '', reproducible: false, filename: 'provenance.json', inlineOnly: false }

test('what is not said has BuildKit’s defaults, but for the version', () => {
  expect(attestationOptions([{ type: 'provenance' }, { type: 'sbom' }])).toEqual({
    provenance: { mode: 'max', version: 'v1', ...plain },
    sbom: { filename: 'sbom.spdx.json', inlineOnly: false },
  })
})

test('what is said counts', () => {
  const attributes = {
    mode: 'min',
    version: 'v0.2',
    'builder-id': 'https://ci',
    reproducible: 't',
    filename: 'p.json',
    'inline-only': '1',
  }
  expect(attestationOptions([{ type: 'provenance', attributes }]).provenance).toEqual({
    mode: 'min',
    version: 'v0.2',
    builderId: 'https://ci',
    reproducible: true,
    filename: 'p.json',
    inlineOnly: true,
  })
})

// as BuildKit 0.25 says it
test.each([
  ['foo', {}, 'unknown attestation type "foo"'],
  ['provenance', { mode: 'xx' }, 'invalid mode "xx"'],
  ['provenance', { version: 'v9' }, 'invalid provenance SLSA version: v9'],
  [
    'provenance',
    { reproducible: 'xx' },
    'failed to parse reproducible flag "xx": strconv.ParseBool: parsing "xx": invalid syntax',
  ],
  ['sbom', { filename: '../x' }, 'invalid filename "../x"'],
])('%s %o', (type, attributes, message) => {
  expect(() => attestationOptions([{ type, attributes }])).toThrow(
    expect.objectContaining({ code: 'ATTESTATION_INVALID', message }),
  )
})

test('a scanner that is an image cannot be had', () => {
  expect(() => attestationOptions([{ type: 'sbom', attributes: { generator: 'x' } }])).toThrow(
    /generator x is not supported/,
  )
})
