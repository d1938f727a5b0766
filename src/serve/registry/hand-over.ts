import type { ServerResponse } from 'node:http'

/**
 * Who sends a body in our place: a proxy before us that can read our files (`X-Accel-Redirect` of nginx, with the URI of
 * an internal location), or another server, at a URL of its own.
 */
export type Deputy =
  | { readonly kind: 'proxy'; readonly internalUri: string }
  | { readonly kind: 'server'; readonly url: string }

/**
 * Answers a request for content by naming who sends it, and ends the response. Headers that were set before stay; the
 * proxy sends them on, and does ranges itself, so a `Content-Length` or `Content-Range` of ours would be wrong.
 */
export function handOver(response: ServerResponse, deputy: Deputy): void {
  response.removeHeader('Content-Range')
  response.setHeader('Content-Length', 0)
  if (deputy.kind === 'server') {
    response.writeHead(307, { Location: deputy.url }).end()
    return
  }
  const uri = deputy.internalUri.split('/').map(encodeURIComponent).join('/')
  response.writeHead(200, { 'X-Accel-Redirect': uri }).end()
}
