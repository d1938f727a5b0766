import type { RegistrySettings } from '../settings.ts'
import { findCredentials } from './credentials.ts'
import { findEndpoints } from './endpoints.ts'
import { placesOf, type SettingsOptions } from './places.ts'

/**
 * What is configured about registries on this machine and for this user. Files are read each time something is asked,
 * so that a process that lives long sees changes.
 */
export function loadRegistrySettings(options: SettingsOptions = {}): RegistrySettings {
  const { env = process.env } = options
  const places = placesOf(options)
  return {
    endpoints: (repository, own) => findEndpoints(repository, places, { ...options, ...own }),
    credentials: (registry, path) => findCredentials({ registry, path }, places, env),
  }
}
