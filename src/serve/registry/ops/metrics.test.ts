import { expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'

test('requests are counted by route, method and status', async () => {
  const metrics = createMetrics([])
  metrics.request('manifest', 'GET', 200, 0.0007)
  metrics.request('manifest', 'GET', 200, 0.002)
  metrics.request('manifest', 'GET', 404, 0.002)
  metrics.request('blob', 'BREW', 405, 0)
  metrics.received(10)
  metrics.sent(20)
  metrics.sent(1)
  for (const text of [await metrics.render(), await metrics.render()]) {
    expect(text).toContain('slipway_registry_requests_total{route="manifest",method="GET",status="200"} 2\n')
    expect(text).toContain('slipway_registry_requests_total{route="manifest",method="GET",status="404"} 1\n')
    expect(text).toContain('slipway_registry_requests_total{route="blob",method="other",status="405"} 1\n')
    expect(text).toContain('slipway_registry_request_duration_seconds_bucket{le="0.001",route="manifest"} 1\n')
    expect(text).toContain('slipway_registry_request_duration_seconds_count{route="manifest"} 3\n')
    expect(text).toContain('slipway_registry_bytes_total{direction="in"} 10\n')
    expect(text).toContain('slipway_registry_bytes_total{direction="out"} 21\n')
    expect(text).toContain('process_resident_memory_bytes')
  }
  expect(metrics.contentType).toMatch(/^text\/plain; version=0\.0\.4/)
})

test('figures are asked for when they are read', async () => {
  let waiting = 3
  const metrics = createMetrics([
    { name: 'waiting_bytes', about: 'Waiting.', read: () => waiting },
    {
      name: 'done_total',
      about: 'Done.',
      kind: 'counter',
      labels: ['hook'],
      read: () => [{ labels: { hook: 'ci' }, value: waiting * 2 }],
    },
  ])
  expect(await metrics.render()).toContain('waiting_bytes 3\n')
  waiting = 5
  const text = await metrics.render()
  expect(text).toContain('waiting_bytes 5\n')
  expect(text).toContain('# TYPE done_total counter')
  expect(text).toContain('done_total{hook="ci"} 10\n')
})

test('two servers do not share figures', async () => {
  const [one, other] = [createMetrics([]), createMetrics([])]
  one.sent(7)
  expect(await other.render()).toContain('slipway_registry_bytes_total{direction="out"} 0\n')
})
