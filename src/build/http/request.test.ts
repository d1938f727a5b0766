import { describe, expect, test } from 'vitest'
import { judge, refuseHost } from './request.ts'

describe('what a name was found to mean', () => {
  const judged = (...addresses: string[]): string => {
    let said = ''
    judge(
      'name.invalid',
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      (error, found) => {
        said = error ? error.message : JSON.stringify(found)
      },
    )
    return said
  }

  test('is what will be connected to', () => {
    expect(judged('10.0.0.1', '::1')).toBe('[{"address":"10.0.0.1","family":4},{"address":"::1","family":6}]')
  })

  test.each([
    ['169.254.169.254'],
    ['fe80::1'],
    ['fe80::1%eth0'],
    ['febf::1'],
    ['::ffff:169.254.1.1'],
    ['fd00:ec2::254'],
  ])('is refused when %s is among it', (address) => {
    expect(judged('10.0.0.1', address)).toBe(`link-local address ${address}`)
  })

  test('is asked for hosts that other programs connect to', async () => {
    await refuseHost('127.0.0.1', 'x')
    await refuseHost('localhost', 'x')
    await expect(refuseHost('[fe80::1]', 'x')).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
  })
})
