import { describe, expect, test } from 'vitest'
import { isLinkLocal, judgingLookup, refusalOf } from './link-local.ts'

describe('addresses that only mean something on the link', () => {
  test.each([
    '169.254.169.254',
    'fe80::1',
    '[fe80::1]',
    'fe80::1%eth0',
    'febf::1',
    '::ffff:169.254.1.1',
    '[::ffff:a9fe:101]',
    'fd00:ec2::254',
    '64:ff9b::a9fe:a9fe',
  ])('%s is one', (address) => {
    expect(isLinkLocal(address)).toBe(true)
    expect(refusalOf([{ address: '10.0.0.1' }, { address }])?.message).toBe(`link-local address ${address}`)
  })

  test.each(['10.0.0.1', '127.0.0.1', '169.253.0.1', '::1', 'fec0::1', 'fe80.example', ''])('%s is none', (host) => {
    expect(isLinkLocal(host)).toBe(false)
    expect(refusalOf([{ address: host }])).toBeUndefined()
  })
})

test('names are looked up for connections', async () => {
  const told: unknown[] = []
  const lookup = judgingLookup((host, addresses) => told.push(host, addresses))
  const all = await new Promise((resolve, reject) => {
    lookup('127.0.0.1', { all: true }, (error, found) => (error ? reject(error) : resolve(found)))
  })
  expect(all).toEqual([{ address: '127.0.0.1', family: 4 }])
  expect(told).toEqual(['127.0.0.1', ['127.0.0.1']])
  const one = await new Promise((resolve, reject) => {
    lookup('127.0.0.1', {}, (error, ...found) => (error ? reject(error) : resolve(found)))
  })
  expect(one).toEqual(['127.0.0.1', 4])
  await expect(
    new Promise((resolve, reject) => {
      lookup('169.254.1.1', { all: true }, (error, found) => (error ? reject(error) : resolve(found)))
    }),
  ).rejects.toThrow('link-local address 169.254.1.1')
})
