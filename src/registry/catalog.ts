import { type Job, silentJob } from '../core/index.ts'
import { connectionTo, type RegistryOptions } from './options.ts'
import { pages, textsOf } from './paging.ts'

/** All repositories of a registry that we may see, page by page; many registries do not tell. Fails with `REGISTRY_UNSUPPORTED`. */
export async function* listRepositories(
  domain: string,
  options: RegistryOptions,
  job: Job = silentJob,
): AsyncIterable<string> {
  const server = await connectionTo(domain, options)
  const about = { name: domain, kind: 'registry' } as const
  const scopes = ['registry:catalog:*']
  const question = { method: 'GET', to: '/_catalog', query: [['n', '1000']], scopes, about, expects: [200] } as const
  for await (const page of pages(server, question, job)) yield* textsOf(page, 'repositories')
}
