/** The last part of the URL's path; BuildKit's stand-in when there is none. */
export function fileNameOf(url: string): string {
  try {
    const name = decodeURIComponent(new URL(url).pathname.split('/').at(-1) ?? '')
    return /^(|\.|\.\.)$/.test(name) || name.includes('/') || name.includes('\0') ? '__unnamed__' : name
  } catch {
    return '__unnamed__'
  }
}

/** A URL for messages and history: without user name and password. */
export function redactUrl(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, '$1')
}

/** The file name of a Content-Disposition header (RFC 6266), if it has one that can be a file's name. */
export function nameInDisposition(header: string): string | undefined {
  const extended = /;\s*filename\*\s*=\s*UTF-8'[^']*'([^;\s]+)/i.exec(header)?.[1]
  const plain = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(header)
  const name =
    (extended === undefined ? undefined : decoded(extended)) ?? plain?.[1]?.replace(/\\(.)/g, '$1') ?? plain?.[2]
  return name === undefined || !isFileName(name) ? undefined : name
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const isFileName = (name: string): boolean => !/^(|\.|\.\.)$/.test(name) && !/[/\0]/.test(name)
