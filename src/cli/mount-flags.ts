import { existsSync } from 'node:fs'
import path from 'node:path'
import { fail } from '../core/index.ts'
import type { CreateRequest } from '../engine/index.ts'

type ContainerMount = NonNullable<CreateRequest['mounts']>[number]

/** `-v SOURCE:TARGET[:OPTIONS]`: a folder or file of the host; relative sources start with a dot. */
export function parseVolume(text: string): ContainerMount {
  const [source = '', target, options = '', ...rest] = text.split(':')
  if (target === undefined || !path.posix.isAbsolute(target) || rest.length > 0) {
    throw fail('USAGE_INVALID', `invalid volume specification: '${text}'`, {
      hint: 'write HOST_PATH:CONTAINER_PATH[:ro]; named and anonymous volumes are not there yet',
    })
  }
  const host = source.startsWith('.') ? path.resolve(source) : source
  if (!path.isAbsolute(host)) {
    throw fail('USAGE_INVALID', `named volumes are not there yet: "${source}"`, {
      hint: 'give a path of the host: -v /data:/data',
    })
  }
  if (!existsSync(host)) throw fail('USAGE_INVALID', `invalid mount: bind source path does not exist: ${host}`)
  const words = options.split(',').filter((word) => word !== '')
  const unknown = words.find(
    (word) => !['ro', 'rw', 'z', 'Z', 'rbind', 'bind', 'rprivate', 'cached', 'delegated', 'consistent'].includes(word),
  )
  if (unknown !== undefined)
    throw fail('USAGE_INVALID', `invalid volume specification: '${text}': invalid mode: ${unknown}`)
  return { type: 'bind', source: host, target: path.posix.normalize(target), readonly: words.includes('ro') }
}

/** `--tmpfs PATH[:OPTIONS]`. */
export function parseTmpfs(text: string): ContainerMount {
  const cut = text.indexOf(':')
  const target = cut < 0 ? text : text.slice(0, cut)
  if (!path.posix.isAbsolute(target))
    throw fail('USAGE_INVALID', `invalid mount path: '${target}' mount path must be absolute`)
  const words = cut < 0 ? [] : text.slice(cut + 1).split(',')
  return {
    type: 'tmpfs',
    target,
    readonly: words.includes('ro'),
    options: words.filter((word) => word !== 'ro' && word !== 'rw'),
  }
}
