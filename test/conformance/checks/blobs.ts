import { createHash } from 'node:crypto'
import type { Check } from '../check.ts'
import {
  type Algorithm,
  type Answered,
  ask,
  digest,
  expectCode,
  expectHeader,
  expectSame,
  expectStatus,
  expectThat,
  locationOf,
  type Target,
  withQuery,
} from '../target.ts'

/** Bytes that this run has not sent before. */
export function bytesFor(target: Target, what: string, size: number): Buffer {
  const seed = createHash('sha256').update(`${target.salt} ${what}`).digest()
  return Buffer.concat(
    Array.from({ length: Math.ceil(size / 32) }, (_, i) =>
      createHash('sha256').update(seed).update(String(i)).digest(),
    ),
  ).subarray(0, size)
}

const OCTETS = { 'content-type': 'application/octet-stream' }

/** Opens an upload. */
export async function begin(target: Target, base: string, algorithm: Algorithm): Promise<Answered> {
  const query = algorithm === 'sha256' ? '' : `?digest-algorithm=${algorithm}`
  const answer = expectStatus(await ask(target, 'POST', `${base}/blobs/uploads/${query}`), 202)
  locationOf(answer)
  return answer
}

/** Closes an upload, perhaps with bytes. */
export function end(
  target: Target,
  location: string,
  of: string,
  body: Buffer = Buffer.alloc(0),
  headers = {},
): Promise<Answered> {
  return ask(target, 'PUT', withQuery(location, { digest: of }), { headers: { ...OCTETS, ...headers }, body })
}

/** Uploads a blob with POST and PUT. */
export async function pushBlob(
  target: Target,
  base: string,
  bytes: Buffer,
  algorithm: Algorithm = 'sha256',
): Promise<string> {
  const of = digest(bytes, algorithm)
  const answer = await begin(target, base, algorithm)
  expectStatus(await end(target, locationOf(answer), of, bytes), 201)
  return of
}

function chunk(target: Target, location: string, body: Buffer, start: number): Promise<Answered> {
  const headers = { ...OCTETS, 'content-range': `${start}-${start + body.length - 1}` }
  return ask(target, 'PATCH', location, { headers, body })
}

async function expectBlob(target: Target, base: string, bytes: Buffer, of: string): Promise<void> {
  const head = expectStatus(await ask(target, 'HEAD', `${base}/blobs/${of}`), 200)
  expectHeader(head, 'content-length', String(bytes.length))
  expectHeader(head, 'docker-content-digest', of)
  const got = expectStatus(await ask(target, 'GET', `${base}/blobs/${of}`), 200)
  expectHeader(got, 'docker-content-digest', of)
  expectThat(got.body.equals(bytes), 'the bytes are not those that were sent')
}

async function expectCreated(target: Target, answer: Answered, bytes: Buffer): Promise<void> {
  expectStatus(answer, 201)
  const got = expectStatus(await ask(target, 'GET', locationOf(answer)), 200)
  expectThat(got.body.equals(bytes), 'Location does not lead to the bytes')
}

async function expectNothing(target: Target, base: string, of: string): Promise<void> {
  expectStatus(await ask(target, 'HEAD', `${base}/blobs/${of}`), 404)
}

const lastOf = (answer: Answered): number => Number(/^0-(\d+)$/.exec(answer.headers.get('range') ?? '')?.[1])

/** Three thirds of a blob, none smaller than the registry wants. */
function thirds(bytes: Buffer): Buffer[] {
  const size = Math.ceil(bytes.length / 3)
  return [bytes.subarray(0, size), bytes.subarray(size, 2 * size), bytes.subarray(2 * size)]
}

const SIZE = 6000

interface Case {
  readonly name: string
  run(target: Target, on: { base: string; bytes: Buffer; of: string; algorithm: Algorithm }): Promise<void>
}

/** Sends chunks in order, and answers with the last answer. */
async function sendChunks(target: Target, opened: Answered, parts: Buffer[], from = 0): Promise<Answered> {
  let [answer, offset] = [opened, from]
  for (const part of parts) {
    answer = expectStatus(await chunk(target, locationOf(answer), part, offset), 202)
    offset += part.length
    expectSame(lastOf(answer), offset - 1, 'Range')
  }
  return answer
}

const CASES: readonly Case[] = [
  {
    name: 'get missing',
    async run(target, { base, of }) {
      expectCode(expectStatus(await ask(target, 'GET', `${base}/blobs/${of}`), 404), 'BLOB_UNKNOWN', 'NAME_UNKNOWN')
      await expectNothing(target, base, of)
    },
  },
  {
    name: 'post put',
    async run(target, { base, bytes, of, algorithm }) {
      const opened = await begin(target, base, algorithm)
      await expectCreated(target, await end(target, locationOf(opened), of, bytes), bytes)
      await expectBlob(target, base, bytes, of)
    },
  },
  {
    name: 'post only',
    async run(target, { base, bytes, of }) {
      const answer = await ask(target, 'POST', `${base}/blobs/uploads/?digest=${of}`, { headers: OCTETS, body: bytes })
      if (answer.status === 202) await expectCreated(target, await end(target, locationOf(answer), of, bytes), bytes)
      else await expectCreated(target, answer, bytes)
      await expectBlob(target, base, bytes, of)
    },
  },
  {
    name: 'post cancel',
    async run(target, { base, algorithm }) {
      const location = locationOf(await begin(target, base, algorithm))
      expectStatus(await ask(target, 'DELETE', location), 204)
      expectStatus(await ask(target, 'GET', location), 404)
    },
  },
  {
    name: 'mount',
    async run(target, { base, bytes, of, algorithm }) {
      await pushBlob(target, base, bytes, algorithm)
      const from = base.slice('/v2/'.length)
      const other = `${base}-mounted`
      const answer = await ask(target, 'POST', `${other}/blobs/uploads/?${new URLSearchParams({ mount: of, from })}`)
      await expectCreated(target, answer, bytes)
      await expectBlob(target, other, bytes, of)
    },
  },
  {
    name: 'mount anonymous',
    async run(target, { base, bytes, of, algorithm }) {
      await pushBlob(target, base, bytes, algorithm)
      const other = `${base}-mounted`
      const answer = await ask(target, 'POST', `${other}/blobs/uploads/?mount=${of}`)
      await expectCreated(target, answer, bytes)
      await expectBlob(target, other, bytes, of)
    },
  },
  {
    name: 'mount missing',
    async run(target, { base, bytes, of }) {
      const query = new URLSearchParams({ mount: of, from: `${base.slice('/v2/'.length)}-none` })
      const answer = expectStatus(await ask(target, 'POST', `${base}/blobs/uploads/?${query}`), 202)
      await expectCreated(target, await end(target, locationOf(answer), of, bytes), bytes)
    },
  },
  {
    name: 'chunked single',
    async run(target, { base, bytes, of, algorithm }) {
      const answer = await sendChunks(target, await begin(target, base, algorithm), [bytes])
      await expectCreated(target, await end(target, locationOf(answer), of), bytes)
      await expectBlob(target, base, bytes, of)
    },
  },
  {
    name: 'chunked multi',
    async run(target, { base, bytes, of, algorithm }) {
      const answer = await sendChunks(target, await begin(target, base, algorithm), thirds(bytes))
      await expectCreated(target, await end(target, locationOf(answer), of), bytes)
      await expectBlob(target, base, bytes, of)
    },
  },
  {
    name: 'chunked multi and put chunk',
    async run(target, { base, bytes, of, algorithm }) {
      const [first, second, third] = thirds(bytes) as [Buffer, Buffer, Buffer]
      const answer = await sendChunks(target, await begin(target, base, algorithm), [first, second])
      const range = { 'content-range': `${first.length + second.length}-${bytes.length - 1}` }
      await expectCreated(target, await end(target, locationOf(answer), of, third, range), bytes)
      await expectBlob(target, base, bytes, of)
    },
  },
  {
    name: 'chunked out of order',
    async run(target, { base, bytes, of, algorithm }) {
      const [first, second, third] = thirds(bytes) as [Buffer, Buffer, Buffer]
      const opened = await begin(target, base, algorithm)
      expectStatus(await chunk(target, locationOf(opened), second, first.length), 416)
      const asked = expectStatus(await ask(target, 'GET', locationOf(opened)), 204)
      expectThat(!Number.isNaN(lastOf(asked)), 'Range cannot be understood')
      const answer = await sendChunks(target, asked, [first, second, third])
      await expectCreated(target, await end(target, locationOf(answer), of), bytes)
      await expectBlob(target, base, bytes, of)
    },
  },
  {
    name: 'chunked out of order and put chunk',
    async run(target, { base, bytes, of, algorithm }) {
      const [first, second, third] = thirds(bytes) as [Buffer, Buffer, Buffer]
      const answer = await sendChunks(target, await begin(target, base, algorithm), [first])
      const range = { 'content-range': `${first.length + second.length}-${bytes.length - 1}` }
      expectStatus(await end(target, locationOf(answer), of, third, range), 416)
      const asked = expectStatus(await ask(target, 'GET', locationOf(answer)), 204)
      expectSame(lastOf(asked), first.length - 1, 'Range')
      const sent = await sendChunks(target, asked, [second], first.length)
      await expectCreated(target, await end(target, locationOf(sent), of, third, range), bytes)
    },
  },
  {
    name: 'stream',
    async run(target, { base, bytes, of, algorithm }) {
      const opened = await begin(target, base, algorithm)
      const body = (async function* () {
        yield* thirds(bytes)
      })()
      const answer = expectStatus(await ask(target, 'PATCH', locationOf(opened), { headers: OCTETS, body }), 202)
      expectSame(lastOf(answer), bytes.length - 1, 'Range')
      await expectCreated(target, await end(target, locationOf(answer), of), bytes)
      await expectBlob(target, base, bytes, of)
    },
  },
  {
    name: 'upload status',
    async run(target, { base, bytes, algorithm }) {
      const answer = await sendChunks(target, await begin(target, base, algorithm), [bytes])
      const asked = expectStatus(await ask(target, 'GET', locationOf(answer)), 204)
      expectSame(lastOf(asked), bytes.length - 1, 'Range')
      locationOf(asked)
    },
  },
  {
    name: 'empty blob',
    async run(target, { base, algorithm }) {
      const empty = Buffer.alloc(0)
      await pushBlob(target, base, empty, algorithm)
      await expectBlob(target, base, empty, digest(empty, algorithm))
    },
  },
  {
    name: 'delete',
    async run(target, { base, bytes, of, algorithm }) {
      await pushBlob(target, base, bytes, algorithm)
      expectStatus(await ask(target, 'DELETE', `${base}/blobs/${of}`), 202)
      await expectNothing(target, base, of)
      expectStatus(await ask(target, 'GET', `${base}/blobs/${of}`), 404)
    },
  },
]

/** Uploads whose digest is not that of the bytes: refused, and nothing is kept. */
const BAD_DIGEST: readonly Case[] = [
  {
    name: 'post only',
    async run(target, { base, bytes, of }) {
      const body = Buffer.concat([bytes, Buffer.of(1)])
      const answer = await ask(target, 'POST', `${base}/blobs/uploads/?digest=${of}`, { headers: OCTETS, body })
      if (answer.status === 202) expectStatus(await end(target, locationOf(answer), of, body), 400)
      else expectStatus(answer, 400)
    },
  },
  {
    name: 'post put',
    async run(target, { base, bytes, of, algorithm }) {
      const opened = await begin(target, base, algorithm)
      expectStatus(await end(target, locationOf(opened), of, Buffer.concat([bytes, Buffer.of(1)])), 400)
    },
  },
  {
    name: 'chunked',
    async run(target, { base, bytes, of, algorithm }) {
      const [first, , third] = thirds(bytes) as [Buffer, Buffer, Buffer]
      const answer = await sendChunks(target, await begin(target, base, algorithm), [first, third])
      expectStatus(await end(target, locationOf(answer), of), 400)
    },
  },
  {
    name: 'chunked and put chunk',
    async run(target, { base, bytes, of, algorithm }) {
      const [first, , third] = thirds(bytes) as [Buffer, Buffer, Buffer]
      const answer = await sendChunks(target, await begin(target, base, algorithm), [first])
      const range = { 'content-range': `${first.length}-${first.length + third.length - 1}` }
      expectStatus(await end(target, locationOf(answer), of, third, range), 400)
    },
  },
  {
    name: 'stream',
    async run(target, { base, bytes, of, algorithm }) {
      const opened = await begin(target, base, algorithm)
      const body = (async function* () {
        yield bytes.subarray(1)
      })()
      const answer = expectStatus(await ask(target, 'PATCH', locationOf(opened), { headers: OCTETS, body }), 202)
      expectStatus(await end(target, locationOf(answer), of), 400)
    },
  },
]

/** A range of 6000 bytes, and what comes. */
const RANGES: readonly [name: string, range: string, slice: [number, number] | undefined][] = [
  ['first and last', 'bytes=500-1499', [500, 1500]],
  ['open', 'bytes=500-', [500, SIZE]],
  ['suffix', 'bytes=-500', [SIZE - 500, SIZE]],
  ['clipped', 'bytes=2000-9000', [2000, SIZE]],
  ['reversed', 'bytes=500-0', undefined],
  ['past the end', `bytes=${SIZE}-`, undefined],
]

async function checkRange(target: Target, base: string, bytes: Buffer, range: (typeof RANGES)[number]): Promise<void> {
  const of = await pushBlob(target, base, bytes)
  const [, header, slice] = range
  const answer = await ask(target, 'GET', `${base}/blobs/${of}`, { headers: { range: header } })
  if (answer.status === 200) return
  if (!slice) {
    expectStatus(answer, 416)
    return
  }
  expectStatus(answer, 206)
  expectHeader(answer, 'content-range', `bytes ${slice[0]}-${slice[1] - 1}/${bytes.length}`)
  expectThat(answer.body.equals(bytes.subarray(...slice)), 'the bytes are not those of the range')
}

const slug = (text: string): string => text.replaceAll(' ', '-')

function blobCheck(algorithm: Algorithm, group: string, { name, run }: Case): Check {
  const whole = `${algorithm} blobs / ${group}${name}`
  return {
    name: whole,
    run(target) {
      const bytes = bytesFor(target, whole, SIZE)
      const base = `/v2/conformance/${target.salt}/${algorithm}/${slug(group.replace(/[^a-z ]/g, ''))}${slug(name)}`
      return run(target, { base: base.replace(/-+/g, '-'), bytes, of: digest(bytes, algorithm), algorithm })
    },
  }
}

const algorithms: readonly Algorithm[] = ['sha256', 'sha512']

export const blobs: readonly Check[] = [
  ...algorithms.flatMap((algorithm) => [
    ...CASES.map((one) => blobCheck(algorithm, '', one)),
    ...BAD_DIGEST.map((one) =>
      blobCheck(algorithm, 'bad digest: ', {
        name: one.name,
        async run(target, on) {
          await one.run(target, on)
          await expectNothing(target, on.base, on.of)
        },
      }),
    ),
  ]),
  ...RANGES.map(
    (range): Check => ({
      name: `range requests / ${range[0]}`,
      run: (target) => {
        const bytes = bytesFor(target, 'ranges', SIZE)
        return checkRange(target, `/v2/conformance/${target.salt}/ranges`, bytes, range)
      },
    }),
  ),
]
