import type { SettingsOptions } from '../../registry/index.ts'
import type { Store } from '../../store/index.ts'

/** By the store of the engine: builds need it deep inside, where the store is at hand. */
const told = new WeakMap<Store, SettingsOptions>()

/** Keeps where an engine is to find what is configured about registries. */
export function tellOfRegistries(store: Store, registries: SettingsOptions): void {
  told.set(store, registries)
}

/** Where the engine over a store finds what is configured about registries; the usual places when nothing was told. */
export function registriesTold(store: Store): SettingsOptions {
  return told.get(store) ?? {}
}
