import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import type { RegistrySettings } from '../settings.ts'
import { loadRegistrySettings } from './load.ts'
import type { SettingsOptions } from './places.ts'

/** A machine of one test: its `/etc` and the home of its user, with nothing in them, and no variables but PATH. */
export interface Machine extends SettingsOptions {
  readonly home: string
  readonly etc: string
  readonly env: Record<string, string>
  /** Writes a file, its folders included: `etc/docker/daemon.json`, `home/.docker/config.json`. The whole path. */
  write(file: string, content: string | object): string
  /** Installs `docker-credential-NAME`, a shell script, and returns the file in which it may keep notes: `$NOTES`. */
  helper(name: string, script: string): string
  settings(options?: SettingsOptions): RegistrySettings
}

/** A machine whose files are gone after the test. */
export function openMachine(): Machine {
  const root = mkdtempSync(path.join(tmpdir(), 'slipway-config-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const [home, etc, bin] = [path.join(root, 'home'), path.join(root, 'etc'), path.join(root, 'bin')]
  for (const folder of [home, etc, bin]) mkdirSync(folder)
  const write = (file: string, content: string | object): string => {
    const whole = path.join(root, file)
    mkdirSync(path.dirname(whole), { recursive: true })
    writeFileSync(whole, typeof content === 'string' ? content : JSON.stringify(content))
    return whole
  }
  const places = { home, etc, env: { PATH: `${bin}:/usr/bin:/bin` } }
  return {
    ...places,
    write,
    helper(name, script) {
      const notes = path.join(root, `${name}.notes`)
      chmodSync(write(`bin/docker-credential-${name}`, `#!/bin/sh\nNOTES=${notes}\n${script}\n`), 0o755)
      return notes
    },
    settings: (options) => loadRegistrySettings({ ...places, ...options }),
  }
}

/** What the entry of a registry in config.json holds. */
export function authOf(username: string, password: string): { auth: string } {
  return { auth: Buffer.from(`${username}:${password}`).toString('base64') }
}
