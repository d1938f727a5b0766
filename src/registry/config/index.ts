export { loadRegistrySettings, type SettingsOptions } from './load.ts'
