/** A header block with every field as the test says, right or wrong. Text is latin1. */
export interface Forged {
  name?: string
  flag?: string
  size?: number | Buffer
  mode?: number
  uid?: number | Buffer
  gid?: number | Buffer
  mtime?: number | Buffer
  link?: string
  major?: number
  minor?: number
  prefix?: string
  magic?: string
  checksum?: number
  /** Anything else: offset and bytes. */
  patch?: [number, Buffer][]
}

/** Makes one header block, with a right checksum unless one is given. */
export function forgeHeader(fields: Forged): Buffer {
  const block = Buffer.alloc(512)
  const number = (value: number | Buffer | undefined, at: number, length: number): void => {
    if (Buffer.isBuffer(value)) value.copy(block, at)
    else block.write((value ?? 0).toString(8).padStart(length - 1, '0'), at, 'latin1')
  }
  block.write(fields.name ?? '', 0, 100, 'latin1')
  number(fields.mode ?? 0o644, 100, 8)
  number(fields.uid, 108, 8)
  number(fields.gid, 116, 8)
  number(fields.size, 124, 12)
  number(fields.mtime, 136, 12)
  block.write(fields.flag ?? '0', 156, 1, 'latin1')
  block.write(fields.link ?? '', 157, 100, 'latin1')
  block.write(fields.magic ?? 'ustar\x0000', 257, 'latin1')
  number(fields.major, 329, 8)
  number(fields.minor, 337, 8)
  block.write(fields.prefix ?? '', 345, 155, 'latin1')
  for (const [at, bytes] of fields.patch ?? []) bytes.copy(block, at)
  block.fill(0x20, 148, 156)
  const sum = fields.checksum ?? block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** Content filled up to whole blocks. */
export function padded(content: string | Buffer): Buffer {
  const bytes = Buffer.isBuffer(content) ? content : Buffer.from(content, 'latin1')
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}

/** A header and its content. */
export function forge(fields: Forged, content: string | Buffer = ''): Buffer {
  const body = padded(content)
  return Buffer.concat([forgeHeader({ size: Buffer.byteLength(content, 'latin1'), ...fields }), body])
}

/** A PAX header with these records. */
export function forgePax(records: Record<string, string | Buffer>, flag = 'x'): Buffer {
  const parts = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.concat([
      Buffer.from(` ${key}=`, 'latin1'),
      Buffer.from(value as string, 'latin1'),
      Buffer.from('\n'),
    ])
    let length = rest.length + 1
    while (String(length).length + rest.length !== length) length = String(length).length + rest.length
    return Buffer.concat([Buffer.from(String(length)), rest])
  })
  const body = Buffer.concat(parts)
  return forge({ name: 'pax', flag }, body)
}

/** A big-endian base-256 number field. */
export function base256(value: bigint, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let rest = BigInt.asUintN(length * 8, value)
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  bytes[0]! |= 0x80
  return bytes
}

/** Everything together, with an end mark. */
export function archive(...parts: Buffer[]): Buffer {
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}
