import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { RegistryDatabase } from '../folder/database.ts'
import { formatRobotScope, parseRobotScope, Robots } from './robots.ts'

const root = mkdtempSync(path.join(tmpdir(), 'access-robots-'))
const open: RegistryDatabase[] = []
afterAll(() => {
  for (const database of open) database.close()
  rmSync(root, { recursive: true })
})
let count = 0

function fixture() {
  const file = path.join(root, `${count++}.db`)
  let now = 1_700_000_000_000
  const another = (): Robots => {
    const database = new RegistryDatabase(file)
    open.push(database)
    return new Robots(database, () => now)
  }
  const pass = (ms: number): void => {
    now += ms
  }
  return { robots: another(), another, pass, now: () => now, database: open.at(-1)! }
}

const scopes = [parseRobotScope('team/*:pull,push')]

test('a robot is known by its secret, which is kept nowhere', async () => {
  const { robots, database, now } = fixture()
  const secret = await robots.create({ name: 'ci', scopes, description: 'builds', by: 'alice' })
  expect(secret).toMatch(/^slipway_robot_[\w-]{43}$/)
  expect(robots.prove('ci', secret)?.robot).toMatchObject({ name: 'ci', description: 'builds', createdAt: now() })
  expect(robots.prove('ci', `${secret}x`)).toBeUndefined()
  expect(robots.prove('ci', '')).toBeUndefined()
  expect(robots.prove('cd', secret)).toBeUndefined()
  expect(robots.prove('cd', '')).toBeUndefined()
  expect(JSON.stringify(database.all('SELECT * FROM robots'))).not.toContain(secret.slice(14))
})

test('expires', async () => {
  const { robots, pass, now } = fixture()
  const secret = await robots.create({ name: 'ci', scopes, expiresAt: now() + 10_000 })
  const { mark } = robots.prove('ci', secret)!
  pass(9_999)
  expect(robots.recall('ci', mark)).toBeDefined()
  pass(1)
  expect(robots.prove('ci', secret)).toBeUndefined()
  expect(robots.recall('ci', mark)).toBeUndefined()
})

test('is gone within a second in other processes, and a new one of its name is another', async () => {
  const { robots, another, pass } = fixture()
  const secret = await robots.create({ name: 'ci', scopes })
  const server = another()
  const { mark } = server.prove('ci', secret)!
  await robots.remove('ci')
  pass(1000)
  expect(server.prove('ci', secret)).toBeUndefined()
  expect(server.recall('ci', mark)).toBeUndefined()
  await robots.create({ name: 'ci', scopes })
  expect(server.recall('ci', mark)).toBeUndefined()
  expect(server.prove('ci', secret)).toBeUndefined()
})

test('the time of the last use is kept, about', async () => {
  const { robots, another, pass, now } = fixture()
  const secret = await robots.create({ name: 'ci', scopes })
  expect(robots.list()[0]?.usedAt).toBeUndefined()
  const first = now()
  robots.prove('ci', secret)
  pass(30_000)
  robots.prove('ci', secret)
  expect(another().list()[0]?.usedAt).toBe(first)
  pass(31_000)
  robots.prove('ci', secret)
  expect(robots.list()[0]?.usedAt).toBe(now())
})

test('one that was switched off is of no use', async () => {
  const { robots, database } = fixture()
  const secret = await robots.create({ name: 'ci', scopes })
  database.run('UPDATE robots SET disabled = 1')
  expect(robots.prove('ci', secret)).toBeUndefined()
  expect(robots.list()[0]?.isDisabled).toBe(true)
})

describe('what cannot be made or removed', () => {
  test('two of one name', async () => {
    const { robots } = fixture()
    await robots.create({ name: 'ci', scopes })
    await expect(robots.create({ name: 'ci', scopes })).rejects.toMatchObject({ code: 'ROBOT_EXISTS' })
    await expect(robots.remove('cd')).rejects.toMatchObject({ code: 'ROBOT_NOT_FOUND' })
  })

  test.each(['', 'CI', 'a b', 'a:b', '-a', 'a'.repeat(65), 'robot.$x'])('name %j', async (name) => {
    await expect(fixture().robots.create({ name, scopes })).rejects.toMatchObject({ code: 'ACCESS_INVALID' })
  })

  test('without scopes, or with very many', async () => {
    const { robots } = fixture()
    for (const list of [[], Array.from({ length: 101 }, () => scopes[0]!)]) {
      await expect(robots.create({ name: 'ci', scopes: list })).rejects.toMatchObject({ code: 'ACCESS_INVALID' })
    }
  })
})

test('scopes as text', () => {
  expect(formatRobotScope(parseRobotScope('team/*:*'))).toBe('team/*:pull,push,delete')
  for (const text of ['', 'team', ':pull', 'a:b:pull', 'team:read', 'team:']) {
    expect(() => parseRobotScope(text)).toThrow(expect.objectContaining({ code: 'ACCESS_INVALID' }))
  }
})
