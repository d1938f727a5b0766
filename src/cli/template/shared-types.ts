import { type GoType, pointerTo, structOf } from './values.ts'

// Parts of the objects of the Engine API 1.51 that several of them have.

/** How often and how a container is asked whether it is well. */
export const v1HealthcheckConfig: GoType = structOf('v1.HealthcheckConfig', {
  Test: '[]string',
  Interval: 'time.Duration',
  Timeout: 'time.Duration',
  StartPeriod: 'time.Duration',
  StartInterval: 'time.Duration',
  Retries: 'int',
})

/** What an image says about containers made from it. */
export const containerConfig: GoType = structOf('container.Config', {
  Hostname: 'string',
  Domainname: 'string',
  User: 'string',
  AttachStdin: 'bool',
  AttachStdout: 'bool',
  AttachStderr: 'bool',
  ExposedPorts: 'map[string]struct {}',
  Tty: 'bool',
  OpenStdin: 'bool',
  StdinOnce: 'bool',
  Env: '[]string',
  Cmd: '[]string',
  Healthcheck: pointerTo(v1HealthcheckConfig),
  ArgsEscaped: 'bool',
  Image: 'string',
  Volumes: 'map[string]struct {}',
  WorkingDir: 'string',
  Entrypoint: '[]string',
  NetworkDisabled: 'bool',
  MacAddress: 'string',
  OnBuild: '[]string',
  Labels: 'map[string]string',
  StopSignal: 'string',
  StopTimeout: '*int',
  Shell: '[]string',
})

/** The storage driver and what it says. */
export const storageDriverData: GoType = structOf('storage.DriverData', { Data: 'map[string]string', Name: 'string' })

/** A platform of the OCI image spec. */
export const v1Platform: GoType = structOf('v1.Platform', {
  Architecture: ['architecture', 'string'],
  OS: ['os', 'string'],
  OSVersion: ['os.version', 'string'],
  OSFeatures: ['os.features', '[]string'],
  Variant: ['variant', 'string'],
})

/** A descriptor of the OCI image spec. */
export const v1Descriptor: GoType = structOf('v1.Descriptor', {
  MediaType: ['mediaType', 'string'],
  Digest: ['digest', 'digest.Digest'],
  Size: ['size', 'int64'],
  URLs: ['urls', '[]string'],
  Annotations: ['annotations', 'map[string]string'],
  Data: ['data', '[]uint8'],
  Platform: ['platform', pointerTo(v1Platform)],
  ArtifactType: ['artifactType', 'string'],
})
