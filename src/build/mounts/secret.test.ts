import path from 'node:path'
import { expect, test } from 'vitest'
import { contextFolder } from '../fixture.suite.ts'
import { readSecret } from './secret.ts'

test('comes from a file or is a value; unknown ones are nothing', () => {
  const folder = contextFolder({ s: 'from a file\n' })
  const secrets = { a: { file: path.join(folder, 's') }, b: { value: 'text' }, c: { value: Buffer.from([0, 255]) } }
  expect(readSecret(secrets, 'a')!.toString()).toBe('from a file\n')
  expect(readSecret(secrets, 'b')!.toString()).toBe('text')
  expect([...readSecret(secrets, 'c')!]).toEqual([0, 255])
  expect(readSecret(secrets, 'd')).toBe(undefined)
  expect(readSecret(secrets, '__proto__')).toBe(undefined)
})

test('has a limit, and is no folder', () => {
  const folder = contextFolder({ big: 'x'.repeat((500 << 10) + 1), fits: 'x'.repeat(500 << 10), 'd/': '' })
  const read = (name: string): number => readSecret({ s: { file: path.join(folder, name) } }, 's')!.length
  expect(read('fits')).toBe(500 << 10)
  expect(() => read('big')).toThrow('secret s too big. max size 500KiB')
  expect(() => read('d')).toThrow(/^read .*: is a directory$/)
  expect(() => read('none')).toThrow(/^failed to read secret s: /)
  expect(() => readSecret({ s: { value: 'x'.repeat((500 << 10) + 1) } }, 's')).toThrow('too big')
})
