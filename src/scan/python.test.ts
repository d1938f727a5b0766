import { expect, test } from 'vitest'
import { packagesOf } from './fixture.suite.ts'

const SITE = 'usr/lib/python3/dist-packages'

test('wheels and eggs', async () => {
  const found = await packagesOf({
    [`${SITE}/requests-2.28.1.dist-info/METADATA`]:
      'Metadata-Version: 2.1\nName: requests\nVersion: 2.28.1\nSummary: Python HTTP for Humans.\nHome-page: https://requests.readthedocs.io\nAuthor: Kenneth Reitz\nAuthor-email: me@kennethreitz.org\nLicense: Apache 2.0\n\nName: in-the-description\n',
    [`${SITE}/new-1.0.dist-info/METADATA`]:
      'Name: New_Thing\nVersion: 1.0\nLicense-Expression: MIT OR Apache-2.0\nLicense: x\n',
    [`${SITE}/six-1.16.0.egg-info`]:
      'Name: six\r\nVersion: 1.16.0\r\nLicense: UNKNOWN\r\nClassifier: License :: OSI Approved :: MIT License\r\nAuthor: UNKNOWN\r\n',
    [`${SITE}/old.egg-info/PKG-INFO`]: 'Name: old\nVersion: 0.1\n',
    [`${SITE}/other/METADATA`]: 'Name: other\nVersion: 0.1\n',
    [`${SITE}/bad.dist-info/METADATA`]: 'Name: a/b\nVersion: 0.1\n',
  })
  expect(found.map((each) => [each.purl, each.licenses, each.supplier, each.description])).toEqual([
    ['pkg:pypi/new-thing@1.0', ['MIT OR Apache-2.0'], undefined, undefined],
    ['pkg:pypi/old@0.1', [], undefined, undefined],
    ['pkg:pypi/requests@2.28.1', ['Apache 2.0'], 'Kenneth Reitz <me@kennethreitz.org>', 'Python HTTP for Humans.'],
    ['pkg:pypi/six@1.16.0', ['MIT License'], undefined, undefined],
  ])
})
