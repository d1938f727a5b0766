import { expect, test } from 'vitest'
import { fileNameOf, redactUrl, redactUrls } from './url.ts'

test.each([
  ['http://x.invalid/a/b.txt', 'b.txt'],
  ['http://x.invalid/a/b.txt?c=/d', 'b.txt'],
  ['http://x.invalid/a%20b', 'a b'],
  ['http://x.invalid/', '__unnamed__'],
  ['http://x.invalid', '__unnamed__'],
  ['http://x.invalid/a/', 'a'],
  ['http://x.invalid/a/..', '__unnamed__'],
  ['http://x.invalid/a%2fb', 'b'],
  ['http://x.invalid/a%00', '__unnamed__'],
  ['http://x.invalid/%ff', '__unnamed__'],
  ['no url', '__unnamed__'],
])('the file of %s is %s', (url, name) => {
  expect(fileNameOf(url)).toBe(name)
})

test.each([
  ['https://user:secret@x.invalid/a', 'https://x.invalid/a'],
  ['https://token@x.invalid/a', 'https://x.invalid/a'],
  ['https://x.invalid/a@b', 'https://x.invalid/a@b'],
  ['a.txt', 'a.txt'],
])('%s is shown as %s', (url, shown) => {
  expect(redactUrl(url)).toBe(shown)
})

test('texts are shown without the passwords of URLs in them', () => {
  expect(redactUrls('ADD https://a:b@x.invalid/c ["git://t@y"] me@h:x /')).toBe(
    'ADD https://x.invalid/c ["git://y"] me@h:x /',
  )
})
