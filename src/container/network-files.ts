import { existsSync, readFileSync } from 'node:fs'

// systemd-resolved listens on a loopback address that means nothing in another network namespace; it keeps the real
// servers in a file of its own
const RESOLVED = '/run/systemd/resolve/resolv.conf'

/** `/etc/resolv.conf` for a container: the name servers of this machine, none without a network. */
export function resolvConfFile(network: 'host' | 'none'): string {
  if (network === 'none') return ''
  const own = readIfThere('/etc/resolv.conf')
  const useResolved = /^nameserver\s+127\.0\.0\.53\s*$/m.test(own) && existsSync(RESOLVED)
  return useResolved ? readIfThere(RESOLVED) : own
}

/** `/etc/hosts` for a container: loopback names with the container's own, and pairs `name=address`. */
export function hostsFile(hostname: string, extraHosts: readonly string[]): string {
  const extra = extraHosts.map((pair) => {
    const cut = pair.indexOf('=')
    return `${pair.slice(cut + 1)}\t${pair.slice(0, cut)}`
  })
  const loopback = [`127.0.0.1\tlocalhost ${hostname}`, '::1\tlocalhost ip6-localhost ip6-loopback']
  return `${[...loopback, ...extra].join('\n')}\n`
}

function readIfThere(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}
