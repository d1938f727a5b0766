import { execFileSync } from 'node:child_process'
import { readFileSync, statfsSync } from 'node:fs'
import os from 'node:os'
import { findProgram } from '../../src/host/index.ts'

/** What figures depend on. */
export interface MachineFacts {
  date: string
  cpu: string
  cores: number
  memoryBytes: number
  kernel: string
  fileSystem: string
  load: number
  commit: string
}

/** Facts about this machine; `folder` is where the stores lie. */
export function machineFacts(folder: string): MachineFacts {
  const model = /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]
  return {
    date: new Date().toISOString(),
    cpu: model ?? os.arch(),
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    kernel: os.release(),
    fileSystem: output('stat', '-f', '-c', '%T', folder),
    load: os.loadavg()[0]!,
    commit: output('git', '-C', import.meta.dirname, 'rev-parse', '--short', 'HEAD'),
  }
}

/** Bytes that can be written below `folder`. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

function output(program: string, ...args: string[]): string {
  const found = findProgram(program)
  return found ? execFileSync(found, args, { encoding: 'utf8' }).trim() : ''
}
