import { type GoType, mapOf, pointerTo, sliceOf, structOf } from './values.ts'

// The objects of the Engine API 1.51 with the names and types that templates see: `{{.Config.Entrypoint}}` is `[]` where
// the JSON has null, and `{{.Descriptor.Digest}}` is the JSON's `digest`. Fields that Docker deprecated are part of it.

const v1HealthcheckConfig = structOf('v1.HealthcheckConfig', {
  Test: '[]string',
  Interval: 'time.Duration',
  Timeout: 'time.Duration',
  StartPeriod: 'time.Duration',
  StartInterval: 'time.Duration',
  Retries: 'int',
})
const containerConfig = structOf('container.Config', {
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
const storageDriverData = structOf('storage.DriverData', { Data: 'map[string]string', Name: 'string' })
const imageRootFS = structOf('image.RootFS', { Type: 'string', Layers: '[]string' })
const imageMetadata = structOf('image.Metadata', { LastTagTime: 'time.Time' })
const v1Platform = structOf('v1.Platform', {
  Architecture: ['architecture', 'string'],
  OS: ['os', 'string'],
  OSVersion: ['os.version', 'string'],
  OSFeatures: ['os.features', '[]string'],
  Variant: ['variant', 'string'],
})
const v1Descriptor = structOf('v1.Descriptor', {
  MediaType: ['mediaType', 'string'],
  Digest: ['digest', 'digest.Digest'],
  Size: ['size', 'int64'],
  URLs: ['urls', '[]string'],
  Annotations: ['annotations', 'map[string]string'],
  Data: ['data', '[]uint8'],
  Platform: ['platform', pointerTo(v1Platform)],
  ArtifactType: ['artifactType', 'string'],
})
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
const containerHealthcheckResult = structOf('container.HealthcheckResult', {
  Start: 'time.Time',
  End: 'time.Time',
  ExitCode: 'int',
  Output: 'string',
})
const containerHealth = structOf('container.Health', {
  Status: 'string',
  FailingStreak: 'int',
  Log: sliceOf(pointerTo(containerHealthcheckResult)),
})
const containerState = structOf('container.State', {
  Status: 'string',
  Running: 'bool',
  Paused: 'bool',
  Restarting: 'bool',
  OOMKilled: 'bool',
  Dead: 'bool',
  Pid: 'int',
  ExitCode: 'int',
  Error: 'string',
  StartedAt: 'string',
  FinishedAt: 'string',
  Health: pointerTo(containerHealth),
})
const containerLogConfig = structOf('container.LogConfig', { Type: 'string', Config: 'map[string]string' })
const natPortBinding = structOf('nat.PortBinding', { HostIP: ['HostIp', 'string'], HostPort: 'string' })
const containerRestartPolicy = structOf('container.RestartPolicy', {
  Name: 'container.RestartPolicyMode',
  MaximumRetryCount: 'int',
})
const blkiodevWeightDevice = structOf('blkiodev.WeightDevice', { Path: 'string', Weight: 'uint16' })
const blkiodevThrottleDevice = structOf('blkiodev.ThrottleDevice', { Path: 'string', Rate: 'uint64' })
const containerDeviceMapping = structOf('container.DeviceMapping', {
  PathOnHost: 'string',
  PathInContainer: 'string',
  CgroupPermissions: 'string',
})
const containerDeviceRequest = structOf('container.DeviceRequest', {
  Driver: 'string',
  Count: 'int',
  DeviceIDs: '[]string',
  Capabilities: '[][]string',
  Options: 'map[string]string',
})
const unitsUlimit = structOf('units.Ulimit', { Name: 'string', Hard: 'int64', Soft: 'int64' })
const mountBindOptions = structOf('mount.BindOptions', {
  Propagation: 'mount.Propagation',
  NonRecursive: 'bool',
  CreateMountpoint: 'bool',
  ReadOnlyNonRecursive: 'bool',
  ReadOnlyForceRecursive: 'bool',
})
const mountDriver = structOf('mount.Driver', { Name: 'string', Options: 'map[string]string' })
const mountVolumeOptions = structOf('mount.VolumeOptions', {
  NoCopy: 'bool',
  Labels: 'map[string]string',
  Subpath: 'string',
  DriverConfig: pointerTo(mountDriver),
})
const mountImageOptions = structOf('mount.ImageOptions', { Subpath: 'string' })
const mountTmpfsOptions = structOf('mount.TmpfsOptions', { SizeBytes: 'int64', Mode: 'uint32', Options: '[][]string' })
const mountMount = structOf('mount.Mount', {
  Type: 'mount.Type',
  Source: 'string',
  Target: 'string',
  ReadOnly: 'bool',
  Consistency: 'mount.Consistency',
  BindOptions: pointerTo(mountBindOptions),
  VolumeOptions: pointerTo(mountVolumeOptions),
  ImageOptions: pointerTo(mountImageOptions),
  TmpfsOptions: pointerTo(mountTmpfsOptions),
  ClusterOptions: '*any',
})
const containerHostConfig = structOf('container.HostConfig', {
  Binds: '[]string',
  ContainerIDFile: 'string',
  LogConfig: containerLogConfig,
  NetworkMode: 'container.NetworkMode',
  PortBindings: mapOf(sliceOf(natPortBinding)),
  RestartPolicy: containerRestartPolicy,
  AutoRemove: 'bool',
  VolumeDriver: 'string',
  VolumesFrom: '[]string',
  ConsoleSize: '[]uint',
  Annotations: 'map[string]string',
  CapAdd: '[]string',
  CapDrop: '[]string',
  CgroupnsMode: 'container.CgroupnsMode',
  DNS: ['Dns', '[]string'],
  DNSOptions: ['DnsOptions', '[]string'],
  DNSSearch: ['DnsSearch', '[]string'],
  ExtraHosts: '[]string',
  GroupAdd: '[]string',
  IpcMode: 'container.IpcMode',
  Cgroup: 'container.CgroupSpec',
  Links: '[]string',
  OomScoreAdj: 'int',
  PidMode: 'container.PidMode',
  Privileged: 'bool',
  PublishAllPorts: 'bool',
  ReadonlyRootfs: 'bool',
  SecurityOpt: '[]string',
  StorageOpt: 'map[string]string',
  Tmpfs: 'map[string]string',
  UTSMode: 'container.UTSMode',
  UsernsMode: 'container.UsernsMode',
  ShmSize: 'int64',
  Sysctls: 'map[string]string',
  Runtime: 'string',
  Isolation: 'container.Isolation',
  CPUShares: ['CpuShares', 'int64'],
  Memory: 'int64',
  NanoCPUs: ['NanoCpus', 'int64'],
  CgroupParent: 'string',
  BlkioWeight: 'uint16',
  BlkioWeightDevice: sliceOf(pointerTo(blkiodevWeightDevice)),
  BlkioDeviceReadBps: sliceOf(pointerTo(blkiodevThrottleDevice)),
  BlkioDeviceWriteBps: sliceOf(pointerTo(blkiodevThrottleDevice)),
  BlkioDeviceReadIOps: sliceOf(pointerTo(blkiodevThrottleDevice)),
  BlkioDeviceWriteIOps: sliceOf(pointerTo(blkiodevThrottleDevice)),
  CPUPeriod: ['CpuPeriod', 'int64'],
  CPUQuota: ['CpuQuota', 'int64'],
  CPURealtimePeriod: ['CpuRealtimePeriod', 'int64'],
  CPURealtimeRuntime: ['CpuRealtimeRuntime', 'int64'],
  CpusetCpus: 'string',
  CpusetMems: 'string',
  Devices: sliceOf(containerDeviceMapping),
  DeviceCgroupRules: '[]string',
  DeviceRequests: sliceOf(containerDeviceRequest),
  KernelMemory: 'int64',
  KernelMemoryTCP: 'int64',
  MemoryReservation: 'int64',
  MemorySwap: 'int64',
  MemorySwappiness: '*int64',
  OomKillDisable: '*bool',
  PidsLimit: '*int64',
  Ulimits: sliceOf(pointerTo(unitsUlimit)),
  CPUCount: ['CpuCount', 'int64'],
  CPUPercent: ['CpuPercent', 'int64'],
  IOMaximumIOps: 'uint64',
  IOMaximumBandwidth: 'uint64',
  Mounts: sliceOf(mountMount),
  MaskedPaths: '[]string',
  ReadonlyPaths: '[]string',
  Init: '*bool',
})
const containerMountPoint = structOf('container.MountPoint', {
  Type: 'mount.Type',
  Name: 'string',
  Source: 'string',
  Destination: 'string',
  Driver: 'string',
  Mode: 'string',
  RW: 'bool',
  Propagation: 'mount.Propagation',
})
const networkAddress = structOf('network.Address', { Addr: 'string', PrefixLen: 'int' })
const networkEndpointIPAMConfig = structOf('network.EndpointIPAMConfig', {
  IPv4Address: 'string',
  IPv6Address: 'string',
  LinkLocalIPs: '[]string',
})
const networkEndpointSettings = structOf('network.EndpointSettings', {
  IPAMConfig: pointerTo(networkEndpointIPAMConfig),
  Links: '[]string',
  Aliases: '[]string',
  MacAddress: 'string',
  DriverOpts: 'map[string]string',
  GwPriority: 'int',
  NetworkID: 'string',
  EndpointID: 'string',
  Gateway: 'string',
  IPAddress: 'string',
  IPPrefixLen: 'int',
  IPv6Gateway: 'string',
  GlobalIPv6Address: 'string',
  GlobalIPv6PrefixLen: 'int',
  DNSNames: '[]string',
})
const containerNetworkSettings = structOf('container.NetworkSettings', {
  Bridge: 'string',
  SandboxID: 'string',
  SandboxKey: 'string',
  Ports: mapOf(sliceOf(natPortBinding)),
  HairpinMode: 'bool',
  LinkLocalIPv6Address: 'string',
  LinkLocalIPv6PrefixLen: 'int',
  SecondaryIPAddresses: sliceOf(networkAddress),
  SecondaryIPv6Addresses: sliceOf(networkAddress),
  EndpointID: 'string',
  Gateway: 'string',
  GlobalIPv6Address: 'string',
  GlobalIPv6PrefixLen: 'int',
  IPAddress: 'string',
  IPPrefixLen: 'int',
  IPv6Gateway: 'string',
  MacAddress: 'string',
  Networks: mapOf(pointerTo(networkEndpointSettings)),
})
/** What `container inspect` shows. */
export const CONTAINER_TYPE: GoType = structOf('container.InspectResponse', {
  ID: ['Id', 'string'],
  Created: 'string',
  Path: 'string',
  Args: '[]string',
  State: pointerTo(containerState),
  Image: 'string',
  ResolvConfPath: 'string',
  HostnamePath: 'string',
  HostsPath: 'string',
  LogPath: 'string',
  Name: 'string',
  RestartCount: 'int',
  Driver: 'string',
  Platform: 'string',
  MountLabel: 'string',
  ProcessLabel: 'string',
  AppArmorProfile: 'string',
  ExecIDs: '[]string',
  HostConfig: pointerTo(containerHostConfig),
  GraphDriver: storageDriverData,
  SizeRw: '*int64',
  SizeRootFs: '*int64',
  Mounts: sliceOf(containerMountPoint),
  Config: pointerTo(containerConfig),
  NetworkSettings: pointerTo(containerNetworkSettings),
  ImageManifestDescriptor: pointerTo(v1Descriptor),
})
const volumeUsageData = structOf('volume.UsageData', { RefCount: 'int64', Size: 'int64' })
/** What `volume inspect` shows. */
export const VOLUME_TYPE: GoType = structOf('volume.Volume', {
  ClusterVolume: '*any',
  CreatedAt: 'string',
  Driver: 'string',
  Labels: 'map[string]string',
  Mountpoint: 'string',
  Name: 'string',
  Options: 'map[string]string',
  Scope: 'string',
  Status: 'map[string]any',
  UsageData: pointerTo(volumeUsageData),
})
const networkIPAMConfig = structOf('network.IPAMConfig', {
  Subnet: 'string',
  IPRange: 'string',
  Gateway: 'string',
  AuxAddress: ['AuxiliaryAddresses', 'map[string]string'],
})
const networkIPAM = structOf('network.IPAM', {
  Driver: 'string',
  Options: 'map[string]string',
  Config: sliceOf(networkIPAMConfig),
})
const networkConfigReference = structOf('network.ConfigReference', { Network: 'string' })
const networkEndpointResource = structOf('network.EndpointResource', {
  Name: 'string',
  EndpointID: 'string',
  MacAddress: 'string',
  IPv4Address: 'string',
  IPv6Address: 'string',
})
const networkPeerInfo = structOf('network.PeerInfo', { Name: 'string', IP: 'string' })
const networkTask = structOf('network.Task', {
  Name: 'string',
  EndpointID: 'string',
  EndpointIP: 'string',
  Info: 'map[string]string',
})
const networkServiceInfo = structOf('network.ServiceInfo', {
  VIP: 'string',
  Ports: '[]string',
  LocalLBIndex: 'int',
  Tasks: sliceOf(networkTask),
})
/** What `network inspect` shows. */
export const NETWORK_TYPE: GoType = structOf('network.Inspect', {
  Name: 'string',
  ID: ['Id', 'string'],
  Created: 'time.Time',
  Scope: 'string',
  Driver: 'string',
  EnableIPv4: 'bool',
  EnableIPv6: 'bool',
  IPAM: networkIPAM,
  Internal: 'bool',
  Attachable: 'bool',
  Ingress: 'bool',
  ConfigFrom: networkConfigReference,
  ConfigOnly: 'bool',
  Containers: mapOf(networkEndpointResource),
  Options: 'map[string]string',
  Labels: 'map[string]string',
  Peers: sliceOf(networkPeerInfo),
  Services: mapOf(networkServiceInfo),
})
