import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/** Everything that is counted while requests are served; cheap enough to be called for each. */
export interface RegistryMetrics {
  /** A request was answered. `route` is one of a fixed set, never a path; `seconds` is how long it took. */
  request(route: string, method: string, status: number, seconds: number): void
  received(bytes: number): void
  sent(bytes: number): void
  /** In the text format of Prometheus. */
  render(): Promise<string>
  readonly contentType: string
}

/** A figure that is asked for when the metrics are read. */
export interface Gauged {
  name: string
  about: string
  /** `counter` for what only grows. */
  kind?: 'gauge' | 'counter'
  labels?: readonly string[]
  /** One number, or one for each combination of labels. */
  read(): number | readonly { labels: Record<string, string>; value: number }[]
}

const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 300]

/** Methods that have a label of their own: anyone can invent others. */
const METHODS = new Set(['GET', 'HEAD', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS'])

/**
 * The figures of one server. Counting a request is a look-up in a map and two additions; everything else happens when
 * the metrics are read.
 */
export function createMetrics(gauges: readonly Gauged[]): RegistryMetrics {
  const registers = new Registry()
  collectDefaultMetrics({ register: registers })
  const requests = new Map<string, { route: string; method: string; status: string; count: number }>()
  const totals = { in: 0, out: 0 }
  const registersOnly = { registers: [registers] }
  new Counter({
    ...registersOnly,
    name: 'slipway_registry_requests_total',
    help: 'Requests that were answered.',
    labelNames: ['route', 'method', 'status'],
    collect() {
      this.reset()
      for (const { count, ...labels } of requests.values()) this.inc(labels, count)
    },
  })
  const durations = new Map<string, Durations>()
  new Counter({
    ...registersOnly,
    name: 'slipway_registry_bytes_total',
    help: 'Bytes of request and answer bodies.',
    labelNames: ['direction'],
    collect() {
      this.reset()
      this.inc({ direction: 'in' }, totals.in)
      this.inc({ direction: 'out' }, totals.out)
    },
  })
  for (const gauge of gauges) register(registers, gauge)
  return {
    request(route, spelling, status, seconds) {
      const method = METHODS.has(spelling) ? spelling : 'other'
      const key = `${route} ${method} ${status}`
      const entry = requests.get(key)
      if (entry) entry.count++
      else requests.set(key, { route, method, status: String(status), count: 1 })
      let times = durations.get(route)
      if (!times) {
        times = { counts: new Uint32Array(BUCKETS.length + 1), sum: 0 }
        durations.set(route, times)
      }
      times.sum += seconds
      let bucket = 0
      while (seconds > (BUCKETS[bucket] ?? Number.POSITIVE_INFINITY)) bucket++
      times.counts[bucket]!++
    },
    received: (bytes) => {
      totals.in += bytes
    },
    sent: (bytes) => {
      totals.out += bytes
    },
    render: async () => `${await registers.metrics()}${renderDurations(durations)}`,
    contentType: registers.contentType,
  }
}

/** How often requests took how long: for each bucket, and above the last. */
interface Durations {
  readonly counts: Uint32Array
  sum: number
}

const DURATIONS = 'slipway_registry_request_duration_seconds'

/** As a histogram of Prometheus; its own library's costs several times as much for each request. */
function renderDurations(durations: ReadonlyMap<string, Durations>): string {
  const lines = [`# HELP ${DURATIONS} How long requests took, to the last byte.`, `# TYPE ${DURATIONS} histogram`]
  for (const [route, { counts, sum }] of durations) {
    let total = 0
    for (const [at, count] of counts.entries()) {
      total += count
      lines.push(`${DURATIONS}_bucket{le="${BUCKETS[at] ?? '+Inf'}",route="${route}"} ${total}`)
    }
    lines.push(`${DURATIONS}_sum{route="${route}"} ${sum}`, `${DURATIONS}_count{route="${route}"} ${total}`)
  }
  return `${lines.join('\n')}\n`
}

function register(registry: Registry, { name, about, kind = 'gauge', labels = [], read }: Gauged): void {
  const configuration = { registers: [registry], name, help: about, labelNames: [...labels] }
  const rows = (): readonly { labels: Record<string, string>; value: number }[] => {
    const values = read()
    return typeof values === 'number' ? [{ labels: {}, value: values }] : values
  }
  if (kind === 'counter') {
    new Counter({
      ...configuration,
      collect() {
        this.reset()
        for (const row of rows()) this.inc(row.labels, row.value)
      },
    })
    return
  }
  new Gauge({
    ...configuration,
    collect() {
      this.reset()
      for (const row of rows()) this.set(row.labels, row.value)
    },
  })
}
