export const unpackLayer: (...a: unknown[]) => Promise<void> = null as never
