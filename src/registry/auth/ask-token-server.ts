import { fail, type Job } from '../../core/index.ts'
import { type About, answerError } from '../answer-error.ts'
import { shown } from '../http/failure.ts'
import type { Patience } from '../http/patience.ts'
import { follow } from '../http/redirect.ts'
import { type Reply, readReply } from '../http/reply.ts'
import { persist, type Trouble, troubleOfAnswer } from '../http/retry.ts'
import type { RegistryEndpoint } from '../settings.ts'
import type { AskTokenServer } from './token.ts'

const MOST_BYTES = 1 << 20

/** Asks the token server that a registry names. What is for the registry alone, headers and our certificate, it only gets on the same host. */
export function askTokenServer(
  endpoint: RegistryEndpoint,
  patience: Patience,
  { headers, ...request }: Parameters<AskTokenServer>[0],
  job: Job,
): Promise<Reply> {
  const { method, url } = request
  const { authorization, ...rest } = headers
  const isOurs = url.host === new URL(endpoint.url).host
  const { client: _forTheRegistryOnly, ...tls } = endpoint.tls
  const own = { authorization, others: isOurs ? endpoint.headers : {} }
  const about: About = { name: url.host, kind: 'registry' }
  const named = new URL(endpoint.url).hostname
  const settings = isOurs ? { ...endpoint, named } : { tls, named }
  const tooLong = (): Error =>
    fail('REGISTRY_INVALID_ANSWER', `${shown(url)}: the answer has more than ${MOST_BYTES} bytes`)
  const send = async (): Promise<Reply> => {
    const outgoing = { ...request, headers: rest, silence: patience.silence }
    return readReply(await follow(outgoing, own, settings, job), method, MOST_BYTES, tooLong)
  }
  const judge = (reply: Reply): Trouble | undefined => {
    const trouble = troubleOfAnswer(reply, answerError(reply, about))
    return trouble.isPassing || reply.status >= 500 || reply.status === 429 ? trouble : undefined
  }
  return persist(send, judge, patience, job)
}
