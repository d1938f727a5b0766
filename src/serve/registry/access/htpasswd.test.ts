import { expect, test } from 'vitest'
import { costOf, parseHtpasswd } from './htpasswd.ts'

const TAIL = 'abcdefghijklmnopqrstuv'.padEnd(53, '.')
const HASH = `$2y$05$${TAIL}`

test('names and hashes, comments and empty lines left out', () => {
  const { users, problems } = parseHtpasswd(`# team\n\nalice:${HASH}\r\nbob:$2b$10$${TAIL}\n  \ncarol:$2a$12$${TAIL}`)
  expect([...users.keys()]).toEqual(['alice', 'bob', 'carol'])
  expect(users.get('alice')).toBe(HASH)
  expect(problems).toEqual([])
  expect(costOf(users.get('carol')!)).toBe(12)
})

test.each([
  ['dave:$apr1$x$y', 'line 1: dave: hashed with MD5 (htpasswd -m), not a bcrypt hash'],
  ['dave:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'line 1: dave: hashed with SHA-1 (htpasswd -s), not a bcrypt hash'],
  ['dave:$6$a$b', 'line 1: dave: hashed with SHA-512 crypt (htpasswd -5), not a bcrypt hash'],
  ['dave:secret', 'line 1: dave: not a bcrypt hash'],
  ['dave:', 'line 1: dave: not a bcrypt hash'],
  ['dave', 'line 1: not of the form user:hash'],
  [`:${HASH}`, 'line 1: not of the form user:hash'],
  [`dave:${HASH}x`, 'line 1: dave: not a bcrypt hash'],
  [`dave:$2y$+4$${TAIL}`, 'line 1: dave: not a bcrypt hash'],
  [`dave:$2x$05$${TAIL}`, 'line 1: dave: hashed with the defective form of bcrypt, not a bcrypt hash'],
  [`dave:$2y$20$${TAIL}`, 'line 1: dave: a bcrypt cost of 20 takes too long at each login; at most 16'],
  [`dave:$2y$03$${TAIL}`, 'line 1: dave: not a bcrypt hash'],
  [`robot.ci:${HASH}`, 'line 1: robot.ci: names that begin with "robot." are for robot tokens'],
  [`da\x07ve:${HASH}`, 'line 1: not a name of a user'],
])('%j', (text, problem) => {
  const { users, problems } = parseHtpasswd(text)
  expect(problems).toEqual([problem])
  expect(users.size).toBe(0)
})

test('one bad line does not spoil the others; the first of two counts', () => {
  const { users, problems } = parseHtpasswd(`alice:${HASH}\nbob:x\nalice:$2y$06$${TAIL}`)
  expect(users.get('alice')).toBe(HASH)
  expect(problems).toEqual(['line 2: bob: not a bcrypt hash', 'line 3: alice is there twice'])
})
