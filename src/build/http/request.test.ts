import { expect, test } from 'vitest'
import { refuseHost } from './request.ts'

test('hosts that other programs connect to are judged', async () => {
  await refuseHost('127.0.0.1', 'x')
  await refuseHost('localhost', 'x')
  await expect(refuseHost('[fe80::1]', 'x')).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' })
})
