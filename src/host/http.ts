import type { Agent, Dispatcher, EnvHttpProxyAgent, ProxyAgent } from 'undici'

// Parts of undici, by themselves: all of it takes 60 ms to load, these a third of that. They are loaded when something is
// asked of a server, for most commands ask nothing.

/** Makes connections, straight to servers. */
export async function directAgent(options: Agent.Options): Promise<Agent> {
  const { Agent } = await import('./http-direct.ts')
  return new Agent(options)
}

/** Makes connections through one proxy. */
export async function proxyAgent(options: ProxyAgent.Options): Promise<ProxyAgent> {
  const { ProxyAgent } = await import('./http-proxies.ts')
  return new ProxyAgent(options)
}

/** Makes connections as `http_proxy`, `https_proxy` and `no_proxy` say. */
export async function environmentAgent(options: EnvHttpProxyAgent.Options): Promise<EnvHttpProxyAgent> {
  const { EnvHttpProxyAgent } = await import('./http-proxies.ts')
  return new EnvHttpProxyAgent(options)
}

/** One HTTP request over a connection of `dispatcher`; redirects are not followed. The answer's body must be read or destroyed. */
export async function httpRequest(
  url: URL,
  dispatcher: Dispatcher,
  options: Omit<Dispatcher.RequestOptions, 'origin' | 'path' | 'method'> & { method?: Dispatcher.HttpMethod },
): Promise<Dispatcher.ResponseData> {
  const { requestBy } = await import('./http-direct.ts')
  const { origin, pathname, search } = url
  return requestBy.call(dispatcher, { method: 'GET', ...options, origin, path: `${pathname}${search}` })
}
