import { expect, test } from 'vitest'
import { LicenseTable, listedLicense } from './licenses.ts'

test.each([
  ['mit', 'MIT'],
  ['GPL-2+', 'GPL-2.0-or-later'],
  ['GPL-3', 'GPL-3.0-only'],
  ['LGPL-2.1+', 'LGPL-2.1-or-later'],
  ['Expat', 'MIT'],
  ['GPL-9', undefined],
  ['constructor', undefined],
  ['made up', undefined],
])('%s', (name, id) => {
  expect(listedLicense(name)).toBe(id)
})

test.each([
  [[], 'NOASSERTION'],
  [['MIT'], 'MIT'],
  [['MIT', 'Expat', 'GPL-2+'], 'MIT AND GPL-2.0-or-later'],
  [['MIT', '(mit or apache-2.0)'], 'MIT AND ((MIT OR Apache-2.0))'],
  [['GPL-2.0-or-later WITH Classpath-exception-2.0'], 'GPL-2.0-or-later WITH Classpath-exception-2.0'],
  [['MIT OR'], 'LicenseRef-MIT-OR'],
  [['MIT MIT'], 'LicenseRef-MIT-MIT'],
  [['(MIT'], 'LicenseRef-MIT'],
  [['***'], 'LicenseRef-unnamed'],
])('%o is %s', (licenses, expected) => {
  expect(new LicenseTable().expression(licenses)).toBe(expected)
})

test('names that look alike get references of their own', () => {
  const table = new LicenseTable()
  expect(table.expression(['My License', 'my-license', 'My-License'])).toBe(
    'LicenseRef-My-License AND LicenseRef-my-license AND LicenseRef-My-License-2',
  )
  expect(table.expression(['My License'])).toBe('LicenseRef-My-License')
  expect(table.references()).toEqual([
    ['LicenseRef-My-License', 'My License'],
    ['LicenseRef-My-License-2', 'My-License'],
    ['LicenseRef-my-license', 'my-license'],
  ])
})
