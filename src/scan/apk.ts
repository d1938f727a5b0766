import { type ByteString, toByteString } from '../core/index.ts'
import { type Cataloger, distroQualifier } from './cataloger.ts'
import type { Distribution, Package } from './package.ts'
import { packageUrl } from './purl.ts'
import { linesOf } from './stanzas.ts'

const DATABASES: readonly string[] = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'].map(toByteString)
const LARGEST = 64 << 20

/** Alpine packages: apk's database of what is installed. */
export const apk: Cataloger = {
  name: 'apk',
  wants: (path) => DATABASES.includes(path),
  *read(path, reader, distribution) {
    const text = reader.text(path, LARGEST)
    if (text === undefined) return
    for (const fields of recordsOf(text)) {
      const found = packageOf(fields, path, distribution)
      if (found) yield found
    }
  },
}

/** Records are separated by empty lines; a field is one letter, a colon, and its value. Files of a package follow its head. */
function* recordsOf(text: string): Generator<Map<string, string>> {
  let fields = new Map<string, string>()
  for (const line of linesOf(text)) {
    if (line === '') {
      if (fields.size > 0) yield fields
      fields = new Map()
    } else if (line[1] === ':' && HEAD.includes(line[0]!) && !fields.has(line[0]!)) fields.set(line[0]!, line.slice(2))
  }
  if (fields.size > 0) yield fields
}

/** Name, version, architecture, license, origin, maintainer, URL, description. */
const HEAD = 'PVALomUT'

function packageOf(
  fields: ReadonlyMap<string, string>,
  path: ByteString,
  distribution: Distribution | undefined,
): Package | undefined {
  const [name, version, architecture] = [fields.get('P'), fields.get('V'), fields.get('A')]
  if (!name || !version) return undefined
  const [license, origin, supplier] = [fields.get('L'), fields.get('o'), fields.get('m')]
  const [homepage, description] = [fields.get('U'), fields.get('T')]
  const source = origin && origin !== name ? { name: origin, version } : undefined
  return {
    kind: 'apk',
    name,
    version,
    purl: packageUrl({
      type: 'apk',
      namespace: distribution?.id ?? 'alpine',
      name,
      version,
      qualifiers: { arch: architecture, distro: distroQualifier(distribution), upstream: source?.name },
    }),
    licenses: license ? [license] : [],
    foundIn: path,
    ...(architecture ? { architecture } : {}),
    ...(source ? { source } : {}),
    ...(supplier ? { supplier } : {}),
    ...(homepage ? { homepage } : {}),
    ...(description ? { description } : {}),
  }
}
