export { type CopyOptions, type CopyResult, copyImage } from './copy.ts'
export type { Selection } from './copy-plan.ts'
export * from './memory.ts'
export { createOciLayout, OciLayout, openOciLayout } from './oci-layout.ts'
