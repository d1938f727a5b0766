import { fail, type SlipwayError } from '../core/index.ts'

/** What a binary runs on, spelled as Go's GOOS and GOARCH (image spec, "Image Index", property `platform`). */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly 'os.features'?: readonly string[]
}

const COMPONENT = /^[A-Za-z0-9_.-]+$/
const OS_COMPONENT = /^([A-Za-z0-9_-]+)(?:\(([A-Za-z0-9_.%-]*)((?:\+[A-Za-z0-9_.%-]+)*)\))?$/
const SYSTEMS =
  /^(aix|android|darwin|dragonfly|freebsd|hurd|illumos|ios|js|linux|nacl|netbsd|openbsd|plan9|solaris|wasip1|windows|zos)$/
const ARCHITECTURES =
  /^(386|amd64(p32)?|arm|armbe|arm64|arm64be|ppc|ppc64|ppc64le|loong64|mips(64)?(p32)?(le)?|riscv|riscv64|s390|s390x|sparc|sparc64|wasm)$/
const NODE_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' }

/** The platform of this process, normalised. */
export function hostPlatform(): Platform {
  const architecture = NODE_ARCHITECTURES[process.arch] ?? process.arch
  const { arm_version: version } = process.config.variables as { arm_version?: string }
  const variant = architecture === 'arm' && version !== undefined ? { variant: `v${version}` } : {}
  return normalizePlatform({ os: process.platform, architecture, ...variant })
}

/**
 * Parses `os[(version)][/architecture[/variant]]`, or an architecture alone; what is not said is that of `host`.
 * Aliases such as `x86_64` and `aarch64` are understood. Fails with `PLATFORM_INVALID`, in Docker's words.
 */
export function parsePlatform(text: string, host: Platform = hostPlatform()): Platform {
  const shown = JSON.stringify(text.slice(0, 100))
  if (text.includes('*')) throw invalid(`${shown}: wildcards not yet supported`)
  const [first = '', ...rest] = text.split('/', 4)
  const [, os, version, features] = OS_COMPONENT.exec(first) ?? []
  if (os === undefined) throw invalid(`${JSON.stringify(first.slice(0, 100))} is an invalid OS component of ${shown}`)
  const wrong = rest.find((part) => !COMPONENT.test(part))
  if (wrong !== undefined) {
    const rule = `platform specifier component must match "${COMPONENT.source}"`
    throw invalid(`${JSON.stringify(wrong.slice(0, 100))} is an invalid component of ${shown}: ${rule}`)
  }
  if (rest.length > 2) throw invalid(`${shown}: cannot parse platform specifier`)
  const system = {
    os,
    ...(version ? { 'os.version': decode(version) } : {}),
    ...(features ? { 'os.features': features.slice(1).split('+').map(decode) } : {}),
  }
  const [architecture, variant] = rest
  if (architecture === undefined) return alone(first, system, host, shown)
  return normalizePlatform({ ...system, architecture, ...(variant === undefined ? {} : { variant }) })
}

/** The platform as `parsePlatform` reads it: `linux/arm64`, `linux/arm/v6`, `windows(10.0.17763)/amd64`. */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant, 'os.version': version = '', 'os.features': features = [] } = platform
  const details = [version, ...features].map(encode).join('+')
  const parts = [details === '' ? os : `${os}(${details})`, architecture, variant ?? '']
  return parts.filter((part) => part !== '').join('/') || 'unknown'
}

/**
 * The one spelling of each platform: lower case, aliases replaced, the variant that is taken for granted left out
 * (`amd64/v1`, `arm64/v8`), the one that is not spelled out (`arm/v7`).
 */
export function normalizePlatform(platform: Platform): Platform {
  const os = platform.os.toLowerCase()
  const { architecture, variant } = normalizeArchitecture(
    platform.architecture.toLowerCase(),
    (platform.variant ?? '').toLowerCase(),
  )
  const { variant: _, ...rest } = platform
  const normal = { ...rest, os: os === 'macos' ? 'darwin' : os, architecture }
  return variant === '' ? normal : { ...normal, variant }
}

function alone(name: string, system: Omit<Platform, 'architecture'>, host: Platform, shown: string): Platform {
  if (SYSTEMS.test(normalizePlatform({ ...system, architecture: '' }).os)) {
    const { architecture, variant } = host
    return normalizePlatform({ ...system, architecture, ...(variant === undefined ? {} : { variant }) })
  }
  const platform = normalizePlatform({ os: host.os, architecture: name })
  if (ARCHITECTURES.test(platform.architecture)) return platform
  throw invalid(`${shown}: unknown operating system or architecture`)
}

function normalizeArchitecture(architecture: string, variant: string): { architecture: string; variant: string } {
  switch (architecture) {
    case 'i386':
      return { architecture: '386', variant: '' }
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      return { architecture: 'amd64', variant: variant === 'v1' ? '' : variant }
    case 'aarch64':
    case 'arm64':
      return { architecture: 'arm64', variant: normalizeArm64(variant) }
    case 'armhf':
      return { architecture: 'arm', variant: 'v7' }
    case 'armel':
      return { architecture: 'arm', variant: 'v6' }
    case 'arm':
      return { architecture, variant: variant === '' ? 'v7' : /^[5-8]$/.test(variant) ? `v${variant}` : variant }
    default:
      return { architecture, variant }
  }
}

function normalizeArm64(variant: string): string {
  const name = /^\d/.test(variant) ? `v${variant}` : variant
  if (name === 'v8' || name === 'v8.0') return ''
  return name === 'v9.0' ? 'v9' : name
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid(`${JSON.stringify(text.slice(0, 100))} is not percent-encoded correctly`)
  }
}

function encode(text: string): string {
  return encodeURIComponent(text)
}

function invalid(message: string): SlipwayError {
  return fail('PLATFORM_INVALID', `${message}: invalid argument`, {
    hint: 'Write a platform as os/architecture, such as linux/arm64.',
  })
}
