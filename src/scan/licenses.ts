/** License texts that have an identifier of SPDX's list (spdx.org/licenses); those that packages use most. */
const LISTED = `
0BSD AFL-2.1 AGPL-3.0-only AGPL-3.0-or-later Apache-1.1 Apache-2.0 Artistic-1.0 Artistic-1.0-Perl Artistic-2.0
BSD-1-Clause BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-4-Clause BSD-4-Clause-UC BSL-1.0 BlueOak-1.0.0
CC-BY-3.0 CC-BY-4.0 CC-BY-SA-3.0 CC-BY-SA-4.0 CC0-1.0 CDDL-1.0 CPL-1.0 ECL-2.0 EPL-1.0 EPL-2.0 EUPL-1.2 FSFAP FSFUL
FSFULLR FTL GFDL-1.1-or-later GFDL-1.2-only GFDL-1.2-or-later GFDL-1.3-only GFDL-1.3-or-later GPL-1.0-only
GPL-1.0-or-later GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later HPND ICU IJG ISC LGPL-2.0-only
LGPL-2.0-or-later LGPL-2.1-only LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later MIT MIT-0 MIT-CMU MPL-1.1 MPL-2.0
MS-PL NCSA OFL-1.1 OLDAP-2.8 OpenSSL PHP-3.01 PSF-2.0 PostgreSQL Python-2.0 Ruby SMLNJ SSH-OpenSSH TCL TTWL Unicode-3.0
Unicode-DFS-2016 Unlicense Vim W3C WTFPL X11 Zlib ZPL-2.1 blessing bzip2-1.0.6 curl libpng-2.0`
  .trim()
  .split(/\s+/)

const EXCEPTIONS = ['Classpath-exception-2.0', 'GCC-exception-3.1', 'LLVM-exception', 'Linux-syscall-note']

const BY_LOWER_CASE = new Map([...LISTED, ...EXCEPTIONS].map((id) => [id.toLowerCase(), id]))

/** Names that Debian, Python and npm use for licenses of the list. */
const ALIASES: Readonly<Record<string, string>> = {
  apache: 'Apache-2.0',
  'apache 2.0': 'Apache-2.0',
  'apache license 2.0': 'Apache-2.0',
  'apache license, version 2.0': 'Apache-2.0',
  'apache software license': 'Apache-2.0',
  'apache-2': 'Apache-2.0',
  artistic: 'Artistic-1.0-Perl',
  expat: 'MIT',
  'isc license (iscl)': 'ISC',
  'mit license': 'MIT',
  'mozilla public license 2.0 (mpl 2.0)': 'MPL-2.0',
  psf: 'PSF-2.0',
  'python software foundation license': 'PSF-2.0',
}

/**
 * The identifier that SPDX's list has for a license, `undefined` when it has none that we know. Debian's `GPL-2+` and
 * the older `GPL-2.0` count as what they mean.
 */
export function listedLicense(name: string): string | undefined {
  const text = name.trim().toLowerCase()
  if (Object.hasOwn(ALIASES, text)) return ALIASES[text]
  const gnu = /^(a?l?gpl|gfdl)-?v?(\d)(?:\.(\d))?(\+)?$/.exec(text)
  if (!gnu) return BY_LOWER_CASE.get(text)
  const [, family = '', major, minor = '0', later] = gnu
  return BY_LOWER_CASE.get(`${family}-${major}.${minor}-${later ? 'or-later' : 'only'}`)
}

/**
 * The licenses of a document. Names that are on no list become `LicenseRef-...` of the document (SPDX 2.3, 10.1); equal
 * names, equal references.
 */
export class LicenseTable {
  readonly #references = new Map<string, string>()
  readonly #taken = new Set<string>()

  /** What a package declares as one expression (SPDX 2.3, Annex D): all of it together; `NOASSERTION` for nothing. */
  expression(licenses: readonly string[]): string {
    const parts = new Set(licenses.map((text) => listedLicense(text) ?? parseExpression(text) ?? this.#reference(text)))
    if (parts.size === 0) return 'NOASSERTION'
    if (parts.size === 1) return [...parts][0]!
    return [...parts].map((part) => (part.includes(' ') ? `(${part})` : part)).join(' AND ')
  }

  /** References and the names that they stand for, sorted. */
  references(): [reference: string, name: string][] {
    return [...this.#references].map(([name, reference]): [string, string] => [reference, name]).sort(byFirst)
  }

  #reference(text: string): string {
    const known = this.#references.get(text)
    if (known) return known
    const slug = text
      .slice(0, 80)
      .replace(/[^A-Za-z0-9.]+/g, '-')
      .replace(/^-|-$/g, '')
    const name = `LicenseRef-${slug === '' ? 'unnamed' : slug}`
    const free = this.#taken.has(name) ? `${name}-${this.#taken.size}` : name
    this.#taken.add(free)
    this.#references.set(text, free)
    return free
  }
}

const byFirst = (a: readonly string[], b: readonly string[]): number => (a[0]! < b[0]! ? -1 : 1)

const TOKEN = /\(|\)|[^\s()]+/g

/** Words and operators in turn, parentheses balanced; `undefined` when it is no expression of known licenses. */
function parseExpression(text: string): string | undefined {
  if (text.length > 500) return undefined
  const out: string[] = []
  let depth = 0
  let wantsLicense = true
  for (const [token] of text.matchAll(TOKEN)) {
    const operator = /^(and|or|with)$/i.test(token) ? token.toUpperCase() : undefined
    if (token === '(' && wantsLicense) depth++
    else if (token === ')' && !wantsLicense && depth > 0) depth--
    else if (operator && !wantsLicense) wantsLicense = true
    else {
      const listed = operator || !wantsLicense ? undefined : listedLicense(token)
      if (!listed) return undefined
      wantsLicense = false
      out.push(listed)
      continue
    }
    out.push(operator ?? token)
  }
  if (depth !== 0 || wantsLicense) return undefined
  return out.join(' ').replaceAll('( ', '(').replaceAll(' )', ')')
}
