import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { SigningKeys } from './keys.ts'

const root = mkdtempSync(path.join(tmpdir(), 'access-keys-'))
afterAll(() => rmSync(root, { recursive: true }))
let count = 0
const fresh = (): string => path.join(root, `keys${count++}`)
const DAY = 24 * 3600_000

test('a key is made once, and nobody else can read it', () => {
  const folder = fresh()
  const { current } = new SigningKeys(folder)
  const [file] = readdirSync(folder)
  expect(file).toBe(`${current.kid}.pem`)
  expect(statSync(path.join(folder, file!)).mode & 0o777).toBe(0o600)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  const again = new SigningKeys(folder)
  expect(again.current.kid).toBe(current.kid)
  expect(again.find(current.kid)?.publicKey.equals(current.publicKey)).toBe(true)
  expect(again.find('../x')).toBeUndefined()
})

test('an old key is replaced and still accepted, a very old one goes', () => {
  const folder = fresh()
  const { kid } = new SigningKeys(folder).current
  const age = (days: number): void => {
    const time = new Date(Date.now() - days * DAY)
    utimesSync(path.join(folder, `${kid}.pem`), time, time)
  }
  age(91)
  const rotated = new SigningKeys(folder)
  expect(rotated.current.kid).not.toBe(kid)
  expect(rotated.find(kid)).toBeDefined()
  age(201)
  expect(new SigningKeys(folder).find(kid)).toBeUndefined()
  expect(readdirSync(folder)).toEqual([`${rotated.current.kid}.pem`])
})

test('a key that others can read is refused, and one that is none', () => {
  const folder = fresh()
  const { kid } = new SigningKeys(folder).current
  const file = path.join(folder, `${kid}.pem`)
  chmodSync(file, 0o644)
  expect(() => new SigningKeys(folder)).toThrow(/can be read by others/)
  chmodSync(file, 0o600)
  const text = readFileSync(file, 'utf8')
  writeFileSync(file, text.slice(0, 60))
  expect(() => new SigningKeys(folder)).toThrow(expect.objectContaining({ code: 'ACCESS_INVALID' }))
})
