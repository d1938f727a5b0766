import { containerConfig, storageDriverData, v1Descriptor, v1HealthcheckConfig, v1Platform } from './shared-types.ts'
import { type GoType, pointerTo, sliceOf, structOf } from './values.ts'

// The objects of the Engine API 1.51 with the names and types that templates see: `{{.Config.Entrypoint}}` is `[]` where
// the JSON has null, and `{{.Descriptor.Digest}}` is the JSON's `digest`. Fields that Docker deprecated are part of it.

const v1DockerOCIImageConfig = structOf('v1.DockerOCIImageConfig', {
  User: 'string',
  ExposedPorts: 'map[string]struct {}',
  Env: '[]string',
  Entrypoint: '[]string',
  Cmd: '[]string',
  Volumes: 'map[string]struct {}',
  WorkingDir: 'string',
  Labels: 'map[string]string',
  StopSignal: 'string',
  ArgsEscaped: 'bool',
  Healthcheck: pointerTo(v1HealthcheckConfig),
  OnBuild: '[]string',
  Shell: '[]string',
})
const imageRootFS = structOf('image.RootFS', { Type: 'string', Layers: '[]string' })
const imageMetadata = structOf('image.Metadata', { LastTagTime: 'time.Time' })
const imageImageProperties = structOf('image.ImageProperties', {
  Platform: v1Platform,
  Size: structOf('struct', { Unpacked: 'int64' }),
  Containers: '[]string',
})
const imageAttestationProperties = structOf('image.AttestationProperties', { For: 'digest.Digest' })
const imageManifestSummary = structOf('image.ManifestSummary', {
  ID: 'string',
  Descriptor: v1Descriptor,
  Available: 'bool',
  Size: structOf('struct', { Content: 'int64', Total: 'int64' }),
  Kind: 'image.ManifestKind',
  ImageData: pointerTo(imageImageProperties),
  AttestationData: pointerTo(imageAttestationProperties),
})
/** What `image inspect` shows. */
export const IMAGE_TYPE: GoType = structOf('image.InspectResponse', {
  ID: ['Id', 'string'],
  RepoTags: '[]string',
  RepoDigests: '[]string',
  Parent: 'string',
  Comment: 'string',
  Created: 'string',
  Container: 'string',
  ContainerConfig: pointerTo(containerConfig),
  DockerVersion: 'string',
  Author: 'string',
  Config: pointerTo(v1DockerOCIImageConfig),
  Architecture: 'string',
  Variant: 'string',
  Os: 'string',
  OsVersion: 'string',
  Size: 'int64',
  VirtualSize: 'int64',
  GraphDriver: storageDriverData,
  RootFS: imageRootFS,
  Metadata: imageMetadata,
  Descriptor: pointerTo(v1Descriptor),
  Manifests: sliceOf(imageManifestSummary),
})
