export { loadRegistrySettings } from './load.ts'
export type { SettingsOptions } from './places.ts'
export { shortNameRepositories } from './short-name.ts'
