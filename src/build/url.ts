import path from 'node:path'

/** The last part of the URL's path, as BuildKit names a download: whatever the server says. A stand-in when there is none. */
export function fileNameOf(url: string): string {
  try {
    const name = path.posix.basename(decodeURIComponent(new URL(url).pathname))
    return /^(|\.|\.\.)$/.test(name) || name.includes('\0') ? '__unnamed__' : name
  } catch {
    return '__unnamed__'
  }
}

/** A URL for messages and history: without user name and password. */
export function redactUrl(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, '$1')
}

/** A text with the URLs in it shown so: what stands in the line of a Dockerfile is shown as it runs. */
export function redactUrls(text: string): string {
  return text.replace(/(\w{1,16}:\/\/)[^\s/@"'=,]{1,512}@/g, '$1')
}
