import { expect, test } from 'vitest'
import { packagesOf } from './fixture.suite.ts'

const json = (value: unknown): string => JSON.stringify(value)
const urls = async (files: Record<string, string>): Promise<string[]> => (await packagesOf(files)).map((it) => it.purl)

test('what lies in node_modules, scoped and nested', async () => {
  const found = await packagesOf({
    'app/package.json': json({ name: 'app', version: '0.0.1' }),
    'app/node_modules/left-pad/package.json': json({
      name: 'left-pad',
      version: '1.3.0',
      license: 'WTFPL',
      author: { name: 'A B', email: 'a@b.c' },
      homepage: 'https://example.com',
    }),
    'app/node_modules/@scope/tool/node_modules/old/package.json': json({
      name: 'old',
      version: '2.0.0',
      licenses: [{ type: 'MIT' }, 'ISC'],
    }),
    'app/node_modules/@scope/tool/package.json': json({
      name: '@scope/tool',
      version: '1.0.0',
      author: 'C <c@d> (https://c)',
    }),
    'app/node_modules/left-pad/test/package.json': json({ name: 'fixture', version: '9.9.9' }),
    'usr/lib/node_modules/npm/package.json': json({ name: 'npm', version: '10.0.0' }),
  })
  expect(found.map((each) => [each.purl, each.licenses, each.supplier])).toEqual([
    ['pkg:npm/%40scope/tool@1.0.0', [], 'C <c@d>'],
    ['pkg:npm/left-pad@1.3.0', ['WTFPL'], 'A B <a@b.c>'],
    ['pkg:npm/npm@10.0.0', [], undefined],
    ['pkg:npm/old@2.0.0', ['MIT', 'ISC'], undefined],
  ])
})

test('a lock file names what was bundled, not what was for development', async () => {
  const packages = {
    '': { name: 'app', version: '1.0.0' },
    'node_modules/a': { version: '1.0.0', license: 'MIT' },
    'node_modules/a/node_modules/@s/b': { version: '2.0.0' },
    'node_modules/alias': { name: 'real', version: '3.0.0' },
    'node_modules/dev': { version: '1.0.0', dev: true },
    'node_modules/fsevents': { version: '1.0.0', optional: true },
    'node_modules/linked': { resolved: 'packages/x', link: true },
    'packages/x': { version: '1.0.0' },
  }
  expect(await urls({ 'app/package-lock.json': json({ lockfileVersion: 3, packages }) })).toEqual([
    'pkg:npm/%40s/b@2.0.0',
    'pkg:npm/a@1.0.0',
    'pkg:npm/real@3.0.0',
  ])
})

test('a lock file of the old form', async () => {
  const dependencies = {
    a: { version: '1.0.0', dependencies: { b: { version: '2.0.0' } } },
    c: { version: '1.0.0', dev: true },
  }
  expect(await urls({ 'npm-shrinkwrap.json': json({ dependencies }) })).toEqual(['pkg:npm/a@1.0.0', 'pkg:npm/b@2.0.0'])
})

test('what is no package is left out', async () => {
  const files = {
    'node_modules/a/package.json': '{',
    'node_modules/b/package.json': '[]',
    'node_modules/c/package.json': json({ name: 'c' }),
    'node_modules/d/package.json': json({ name: '../d', version: '1' }),
    'node_modules/e/package.json': `${'{"a":'.repeat(2000)}1${'}'.repeat(2000)}`,
    'node_modules/f/package.json': json({ name: 'f', version: '1', license: { __proto__: 1 } }),
  }
  expect(await urls(files)).toEqual(['pkg:npm/f@1'])
})
