import type { FastifyInstance } from 'fastify'
import type { Authorize } from '../extensions.ts'
import { failureBody, ProtocolFailure } from '../failure.ts'
import type { RegistryDatabase } from '../folder/database.ts'
import { readiness } from './health.ts'
import type { RegistryMetrics } from './metrics.ts'

/** What those who run the registry look at: `/metrics`, which needs the right `admin`, and `/healthz`, `/readyz`. */
export function opsPlugin(context: {
  metrics: RegistryMetrics
  database: RegistryDatabase
  folder: string
  authorize: Authorize
}): (app: FastifyInstance) => void {
  const { metrics, database, folder, authorize } = context
  return (app) => {
    app.get('/metrics', async (request, reply) => {
      const decision = await authorize({ action: 'admin', request: request.raw })
      if (decision instanceof ProtocolFailure) {
        return reply
          .code(decision.status)
          .headers(decision.headers)
          .type('application/json')
          .send(failureBody(decision))
      }
      return reply.type(metrics.contentType).send(await metrics.render())
    })
    app.get('/healthz', (_, reply) => reply.type('text/plain').send('ok\n'))
    app.get('/readyz', (_, reply) => {
      const problem = readiness(database, folder)
      reply.code(problem === undefined ? 200 : 503).type('text/plain')
      return reply.send(problem === undefined ? 'ok\n' : `${problem}\n`)
    })
  }
}
