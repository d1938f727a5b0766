import { readFileSync } from 'node:fs'
import path from 'node:path'
import { isJsonObject } from '../../core/index.ts'

/** Keys of `proxies.default` in Docker's `config.json`, and the build arguments they become (docker CLI, "Proxy"). */
const NAMES: Readonly<Record<string, string>> = {
  httpProxy: 'HTTP_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  ftpProxy: 'FTP_PROXY',
  noProxy: 'NO_PROXY',
  allProxy: 'ALL_PROXY',
}

/**
 * The proxy settings of the user's Docker configuration as build arguments, in upper and in lower case. A file that is
 * missing or damaged says nothing: builds that need no proxy go on without.
 */
export function proxyArguments(env: NodeJS.ProcessEnv): Record<string, string> {
  const folder = env['DOCKER_CONFIG'] || (env['HOME'] && path.join(env['HOME'], '.docker'))
  if (!folder) return {}
  const proxies = readProxies(path.join(folder, 'config.json'))
  const pairs = Object.entries(NAMES).flatMap(([key, name]): [string, string][] => {
    const value = proxies[key]
    if (typeof value !== 'string' || value === '') return []
    return [
      [name, value],
      [name.toLowerCase(), value],
    ]
  })
  return Object.fromEntries(pairs)
}

function readProxies(file: string): Record<string, unknown> {
  try {
    const config: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const proxies = isJsonObject(config) ? config['proxies'] : undefined
    const chosen = isJsonObject(proxies) ? proxies['default'] : undefined
    return isJsonObject(chosen) ? chosen : {}
  } catch {
    return {}
  }
}
