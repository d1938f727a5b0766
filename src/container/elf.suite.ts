/** A program for Linux on arm64 that prints a text and ends: a header, one segment, eight instructions. */
export function arm64Program(text: string): Buffer {
  const message = Buffer.from(text)
  const code = Buffer.alloc(32)
  const instructions = [
    0xd2800020, // mov x0, #1
    0x100000e1, // adr x1, the text behind the code
    0xd2800002 | (message.length << 5), // mov x2, its length
    0xd2800808, // mov x8, #64 (write)
    0xd4000001, // svc #0
    0xd2800000, // mov x0, #0
    0xd2800ba8, // mov x8, #93 (exit)
    0xd4000001, // svc #0
  ]
  for (const [at, word] of instructions.entries()) code.writeUInt32LE(word >>> 0, at * 4)
  return elf(183, Buffer.concat([code, message]))
}

/** An ELF program for a machine by its number, with this code. */
export function elf(machine: number, code: Buffer): Buffer {
  const [base, head] = [0x400000n, 120]
  const bytes = Buffer.alloc(head)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  bytes.writeUInt16LE(2, 16)
  bytes.writeUInt16LE(machine, 18)
  bytes.writeUInt32LE(1, 20)
  bytes.writeBigUInt64LE(base + BigInt(head), 24)
  bytes.writeBigUInt64LE(64n, 32)
  for (const [at, value] of [
    [52, 64],
    [54, 56],
    [56, 1],
  ] as const)
    bytes.writeUInt16LE(value, at)
  bytes.writeUInt32LE(1, 64)
  bytes.writeUInt32LE(5, 68)
  const size = BigInt(head + code.length)
  for (const [at, value] of [
    [80, base],
    [88, base],
    [96, size],
    [104, size],
    [112, 0x1000n],
  ] as const) {
    bytes.writeBigUInt64LE(value, at)
  }
  return Buffer.concat([bytes, code])
}
