/** What a binary runs on, spelled as Go's GOOS and GOARCH (image spec, "Image Index", property `platform`). */
export interface Platform {
  readonly os: string
  readonly architecture: string
  readonly variant?: string
  readonly 'os.version'?: string
  readonly 'os.features'?: readonly string[]
}
