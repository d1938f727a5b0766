/** What kind of package manager put a package there, as package URLs call it. */
export type PackageKind = 'deb' | 'apk' | 'npm' | 'pypi'

/** A package that is installed in an image, as the files of its package manager tell of it. */
export interface Package {
  readonly kind: PackageKind
  readonly name: string
  readonly version: string
  /** The package URL. Equal packages have equal ones. */
  readonly purl: string
  /** As the package manager spells it: `amd64`, `x86_64`, `all`. */
  readonly architecture?: string
  /** What it was built from, where that has another name or version. */
  readonly source?: { readonly name: string; readonly version: string }
  /** Who maintains or wrote it, with an e-mail address where one is given. */
  readonly supplier?: string
  /** As the package declares them; names of its own, or SPDX expressions. */
  readonly licenses: readonly string[]
  readonly homepage?: string
  readonly description?: string
  /** Path of the file that says so, without a leading slash. */
  readonly foundIn: string
}

/** The distribution that an image is made of, from os-release(5). */
export interface Distribution {
  /** `debian`, `alpine`. */
  readonly id: string
  /** `12`, `3.20.1`; missing for rolling ones. */
  readonly version?: string
  /** `Debian GNU/Linux 12 (bookworm)`. */
  readonly prettyName?: string
}
