import type { FinishedRequest } from '../extensions.ts'

/** One line of JSON for each answer, with the keys of pino's. */
export function logRequest(request: FinishedRequest): void {
  const { method, path, status, failure, user, remote, userAgent, bytesReceived, bytesSent, duration, error } = request
  const level = status >= 500 ? 50 : status >= 400 ? 40 : 30
  const ms = Math.round(duration * 1000) / 1000
  const err = error instanceof Error ? { message: error.message, stack: error.stack } : undefined
  const line = {
    level,
    time: Date.now(),
    method,
    path,
    status,
    failure,
    user,
    remote,
    userAgent,
    bytesReceived,
    bytesSent,
    ms,
    err,
  }
  process.stderr.write(`${JSON.stringify(line)}\n`)
}
