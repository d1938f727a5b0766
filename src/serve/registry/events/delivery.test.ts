import { createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import { backOff, deliver, type HookAddress } from './delivery.ts'
import { openHookServer } from './hook.suite.ts'

const envelope = { contentType: 'application/json', body: '{"a":"é"}' }
const never = new AbortController().signal
const to = (url: string, rest: Partial<HookAddress> = {}): HookAddress => ({ url, headers: {}, timeout: 5000, ...rest })

test('a delivery carries headers, type and signature', async () => {
  await using hook = await openHookServer()
  const address = to(hook.url, { secret: 'quiet', headers: { authorization: 'Bearer x' } })
  expect(await deliver(address, envelope, never)).toBeUndefined()
  expect(hook.told[0]!.body).toBe(envelope.body)
  expect(hook.told[0]!.headers).toMatchObject({
    'content-type': 'application/json',
    authorization: 'Bearer x',
    'x-hub-signature-256': `sha256=${createHmac('sha256', 'quiet').update(envelope.body).digest('hex')}`,
  })
})

test('without a secret nothing is signed', async () => {
  await using hook = await openHookServer()
  await deliver(to(hook.url), envelope, never)
  expect(hook.told[0]!.headers).not.toHaveProperty('x-hub-signature-256')
})

test.each([301, 404, 500])('%i is a failure', async (status) => {
  await using hook = await openHookServer()
  hook.answer = status
  expect(await deliver(to(hook.url), envelope, never)).toBe(`answered ${status}`)
})

test('silence ends', async () => {
  await using hook = await openHookServer()
  hook.answer = 'nothing'
  expect(await deliver(to(hook.url, { timeout: 50 }), envelope, never)).toMatch(/timeout/)
})

test('a stop ends it', async () => {
  await using hook = await openHookServer()
  hook.answer = 'nothing'
  const stop = new AbortController()
  const delivery = deliver(to(hook.url), envelope, stop.signal)
  await hook.heard(1)
  stop.abort()
  expect(await delivery).toMatch(/abort/)
})

test('nobody there', async () => {
  const { url } = await openHookServer().then(async (hook) => {
    await hook[Symbol.asyncDispose]()
    return hook
  })
  expect(await deliver(to(url), envelope, never)).toMatch(/ECONNREFUSED/)
})

test('attempts grow apart, to ten minutes', () => {
  expect([1, 2, 3, 10, 11, 1000].map((attempts) => backOff(attempts, 0))).toEqual([
    1000, 2000, 4000, 512_000, 600_000, 600_000,
  ])
  expect(backOff(1, 1)).toBe(750)
})
