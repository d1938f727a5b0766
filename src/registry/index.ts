export * from './config/index.ts'
export * from './protocol.ts'
export * from './settings.ts'
export * from './uploads.ts'
