import { isIP } from 'node:net'
import { fail } from '../core/index.ts'

/** `--add-host name:address`, also with `=`; IPv6 with or without brackets. Answers `name=address`. */
export function parseExtraHost(text: string): string {
  const match = /^([^:=]+)[:=](.+)$/.exec(text)
  const address = match?.[2]?.replace(/^\[(.*)\]$/, '$1') ?? ''
  if (!match) throw fail('USAGE_INVALID', `bad format for add-host: "${text}"`)
  if (address === 'host-gateway') return `${match[1]}=127.0.0.1`
  if (isIP(address) === 0) throw fail('USAGE_INVALID', `invalid IP address in add-host: "${address}"`)
  return `${match[1]}=${address}`
}
