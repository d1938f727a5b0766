import { mkdtempSync, rmSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { hashSync } from 'bcrypt'
import { afterAll, expect, test } from 'vitest'
import { Passwords } from './passwords.ts'

const root = mkdtempSync(path.join(tmpdir(), 'access-passwords-'))
afterAll(() => rmSync(root, { recursive: true }))
let count = 0
const line = (name: string, password: string): string => `${name}:${hashSync(password, 4)}\n`

function fixture(text: string) {
  const file = path.join(root, `htpasswd${count++}`)
  writeFileSync(file, text)
  let now = 1_000_000
  const problems: string[] = []
  const passwords = new Passwords(file, { now: () => now, onProblem: (problem) => problems.push(problem) })
  const pass = (ms: number): void => {
    now += ms
  }
  const write = (changed: string): void => {
    writeFileSync(file, changed)
    // Two writes in one tick of the file system's clock look the same if the size is, too.
    utimesSync(file, new Date(), new Date(Date.now() + count++ * 1000))
    pass(1000)
  }
  return { file, passwords, problems, pass, write }
}

test('right and wrong passwords, and users that are not there', async () => {
  const { passwords } = fixture(line('alice', 'sesame') + line('bob', 'ärger€'))
  expect(await passwords.judge('alice', 'sesame')).toBe(true)
  expect(await passwords.judge('alice', 'sesam')).toBe(false)
  expect(await passwords.judge('alice', '')).toBe(false)
  expect(await passwords.judge('bob', 'ärger€')).toBe(true)
  expect(await passwords.judge('carol', 'sesame')).toBe(false)
  expect(passwords.mark('alice')).toMatch(/^[\w-]{22}$/)
  expect(passwords.mark('carol')).toBeUndefined()
})

test('a judgement is remembered for five minutes, a right one while it is used', async () => {
  const { passwords, pass } = fixture(line('alice', 'sesame'))
  expect(passwords.judged('alice', 'sesame')).toBeUndefined()
  const judging = passwords.judge('alice', 'sesame')
  expect(passwords.judged('alice', 'sesame')).toBeInstanceOf(Promise)
  await judging
  await passwords.judge('alice', 'wrong')
  expect(passwords.judged('alice', 'sesame')).toBe(true)
  expect(passwords.judged('alice', 'wrong')).toBe(false)
  expect(passwords.judged('alice:sesame', '')).toBeUndefined()
  pass(4 * 60_000)
  expect(passwords.judged('alice', 'sesame')).toBe(true)
  pass(4 * 60_000)
  expect(passwords.judged('alice', 'sesame')).toBe(true)
  expect(passwords.judged('alice', 'wrong')).toBeUndefined()
  pass(5 * 60_000)
  expect(passwords.judged('alice', 'sesame')).toBeUndefined()
})

test('a changed file counts from the next second on, and what was judged before is forgotten', async () => {
  const { passwords, write } = fixture(line('alice', 'old') + line('bob', 'b'))
  await passwords.judge('alice', 'old')
  await passwords.judge('bob', 'b')
  const before = passwords.mark('alice')
  write(line('alice', 'new'))
  expect(passwords.judged('alice', 'old')).toBeUndefined()
  expect(await passwords.judge('alice', 'old')).toBe(false)
  expect(await passwords.judge('alice', 'new')).toBe(true)
  expect(await passwords.judge('bob', 'b')).toBe(false)
  expect(passwords.mark('alice')).not.toBe(before)
})

test('a bad line is an error at first and a word to the log later', async () => {
  expect(() => fixture(`${line('alice', 'a')}bob:$apr1$x$y\ncarol\n`)).toThrow(
    expect.objectContaining({
      code: 'HTPASSWD_INVALID',
      message: expect.stringContaining(
        'line 2: bob: hashed with MD5 (htpasswd -m), not a bcrypt hash\n  line 3: not of',
      ),
    }),
  )
  const { passwords, problems, write } = fixture(line('alice', 'a'))
  write(`${line('alice', 'a')}bob:plain\n`)
  expect(await passwords.judge('alice', 'a')).toBe(true)
  expect(problems).toEqual([expect.stringContaining('line 2: bob: not a bcrypt hash')])
})

test('while the file is away its users stay', async () => {
  const { file, passwords, problems, pass } = fixture(line('alice', 'a'))
  unlinkSync(file)
  pass(1000)
  expect(await passwords.judge('alice', 'a')).toBe(true)
  pass(1000)
  passwords.mark('alice')
  expect(problems).toEqual([expect.stringMatching(/ENOENT.*stay as they were/)])
  writeFileSync(file, line('bob', 'b'))
  pass(1000)
  expect(passwords.mark('alice')).toBeUndefined()
  expect(await passwords.judge('bob', 'b')).toBe(true)
  expect(() => new Passwords(path.join(root, 'none'))).toThrow(expect.objectContaining({ code: 'HTPASSWD_INVALID' }))
})

test('an unknown user is compared with a hash of the same work', async () => {
  const { passwords } = fixture(line('alice', 'a'))
  const cpu = async (name: string): Promise<number> => {
    const from = process.cpuUsage()
    for (let at = 0; at < 20; at++) await passwords.judge(name, `guess ${at}`)
    const { user, system } = process.cpuUsage(from)
    return user + system
  }
  await cpu('warm')
  const [unknown, known] = [await cpu('nobody'), await cpu('alice')]
  // A hash that is refused unread takes a hundredth; no finer, since the machine may be busy.
  expect(unknown).toBeGreaterThan(known / 5)
})

test('too many at once are turned away', async () => {
  const { passwords } = fixture(line('alice', 'a'))
  const guesses = Array.from({ length: 100 }, (_, at) => passwords.judge('alice', String(at)))
  expect(passwords.isBusy).toBe(true)
  await Promise.all(guesses)
  expect(passwords.isBusy).toBe(false)
})

test.each(['$2a$', '$2b$', '$2y$'])('a hash that begins with %s: htpasswd writes $2y$', async (prefix) => {
  // of "sesame", made by Apache's htpasswd 2.4
  const hash = '$2y$05$Fc6eMHcoJBzwMlpiB9JWa.Lb0.VIuuhJSufLqByXdxrC6RNqKrOty'.replace('$2y$', prefix)
  const { passwords } = fixture(`alice:${hash}\n`)
  expect(await passwords.judge('alice', 'sesame')).toBe(true)
  expect(await passwords.judge('alice', 'sesam')).toBe(false)
})
