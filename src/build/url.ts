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
