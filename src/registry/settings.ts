/** How a server is trusted, and how we show who we are. All texts are PEM. */
export interface TlsSettings {
  /** Authorities besides those of the system. */
  readonly ca: readonly string[]
  readonly client?: { readonly cert: string; readonly key: string }
  /** Whether certificates are verified. */
  readonly verify: boolean
}

/** One server that may answer for a repository: the registry itself, or a mirror of it. */
export interface RegistryEndpoint {
  /** What stands before the repository in every request, without a slash at the end: `https://registry-1.docker.io/v2`. */
  readonly url: string
  /** The repository's name there; a mirror may call it otherwise. */
  readonly repository: string
  /** Whether plain HTTP is tried where the server does not speak TLS: loopback and registries that are said to be insecure. */
  readonly allowsPlainHttp: boolean
  /** A server that cannot `resolve` is only asked for digests. */
  readonly can: { readonly pull: boolean; readonly resolve: boolean; readonly push: boolean }
  readonly isMirror: boolean
  /** The registry that a mirror is to answer for: the `ns` of its queries. */
  readonly namespace?: string
  readonly tls: TlsSettings
  /** Sent with every request to this host, and to no other. */
  readonly headers: Readonly<Record<string, string>>
  /** The name under which credentials for it are kept, as for `RegistrySettings.credentials`. */
  readonly registry: string
  /** Milliseconds until a connection must stand. */
  readonly connectTimeout?: number
}

/**
 * Who we are at a registry. `tokenServer` is a host, with its port if it has one, in another domain than the registry's
 * that may see them, too, when the registry names it.
 */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string; readonly tokenServer?: string }
  /** For the token server: an OAuth2 refresh token. */
  | {
      readonly kind: 'identity-token'
      readonly token: string
      readonly username?: string
      readonly tokenServer?: string
    }
  /** Sent to the registry as it is, as a bearer token. */
  | { readonly kind: 'registry-token'; readonly token: string }

/** A repository of a registry, by its whole name: `docker.io` and `library/busybox`. */
export interface RepositoryName {
  readonly domain: string
  readonly path: string
}

/** What is configured about registries on this machine and for this user. */
export interface RegistrySettings {
  /**
   * The servers to try, in this order; the registry itself comes last. `itself`: it alone, at its own address, whatever is
   * configured to answer for it. Fails with `REGISTRY_BLOCKED` or `REGISTRY_CONFIG_INVALID`.
   */
  endpoints(repository: RepositoryName, options?: { readonly itself?: boolean }): Promise<readonly RegistryEndpoint[]>
  /** The most specific credentials for a registry, and for a repository of it. Fails with `CREDENTIAL_HELPER_FAILED`. */
  credentials(registry: string, path?: string): Promise<Credentials | undefined>
}
