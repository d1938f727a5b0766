declare const byteString: unique symbol

/**
 * A file name or path as the bytes it is: one character per byte (latin1), so that names which are not UTF-8 survive,
 * and `<` on two of them is byte order. The brand keeps it from being mixed up with text; convert at the edges.
 */
export type ByteString = string & { readonly [byteString]: true }

/** Text from a user or a Dockerfile, as the UTF-8 bytes a Linux path would hold. */
export function toByteString(text: string): ByteString {
  return (isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')) as ByteString
}

/** For messages and JSON: bytes decoded as UTF-8; what is not UTF-8 becomes U+FFFD. */
export function fromByteString(bytes: ByteString): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}

/** The raw bytes, for system calls (`fs` takes a Buffer as a path) and for tar headers. */
export function byteStringToBuffer(bytes: ByteString): Buffer {
  return Buffer.from(bytes, 'latin1')
}

/** Raw bytes from a system call or a tar header. */
export function byteStringFromBuffer(buffer: Buffer, start?: number, end?: number): ByteString {
  return buffer.toString('latin1', start, end) as ByteString
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false
  return true
}
