import type { Info } from '../../engine/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { OBJECT_FORMAT } from '../format-flag.ts'
import { bytesSize } from '../render/sizes.ts'
import { jobOf, withEngine } from '../session.ts'
import { programVersion } from '../version.ts'

function fieldsOf(info: Info): Record<string, unknown> {
  return {
    Containers: info.containers.total,
    ContainersRunning: info.containers.running,
    ContainersPaused: 0,
    ContainersStopped: info.containers.stopped,
    Images: info.images,
    ServerVersion: programVersion(),
    Driver: info.snapshotter,
    DriverReason: info.snapshotterReason ?? '',
    DefaultRuntime: info.runtime,
    KernelVersion: info.kernel,
    OperatingSystem: info.operatingSystem,
    OSType: 'linux',
    Architecture: info.architecture,
    Platforms: info.platforms,
    NCPU: info.cpus,
    MemTotal: info.memory,
    DockerRootDir: info.root,
    Name: info.name,
    Rootless: info.rootless,
  }
}

function describe(info: Info): string {
  const { containers } = info
  const reason = info.snapshotterReason === undefined ? '' : ` (${info.snapshotterReason})`
  const rows: [string, string | number][] = [
    ['Containers', containers.total],
    [' Running', containers.running],
    [' Paused', 0],
    [' Stopped', containers.stopped],
    ['Images', info.images],
    ['Version', programVersion()],
    ['Layers', `${info.snapshotter}${reason}`],
    ['OCI Runtime', info.runtime],
    ['Mode', info.rootless ? 'ordinary user (no RUN, no containers)' : 'root'],
    ['Kernel Version', info.kernel],
    ['Operating System', info.operatingSystem],
    ['OSType', 'linux'],
    ['Architecture', info.architecture],
    ['Platforms', info.platforms.join(', ')],
    ['CPUs', info.cpus],
    ['Total Memory', bytesSize(info.memory)],
    ['Name', info.name],
    ['Root Dir', info.root],
  ]
  return rows.map(([name, value]) => `${name}: ${value}\n`).join('')
}

/** `slipway info`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS]',
  operands: { min: 0, max: 0 },
  flags: {
    format: OBJECT_FORMAT,
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, io } = context
      const info = await engine.info(jobOf(context))
      if (flags.format === '') await io.stdout.write(describe(info))
      else {
        const { renderObject } = await import('../template/index.ts')
        await io.stdout.write(`${renderObject(flags.format, fieldsOf(info))}\n`)
      }
      return 0
    }),
})
