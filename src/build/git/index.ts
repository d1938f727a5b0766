export { type KeptRepository, keptRepositories, removeKeptRepository } from './kept.ts'
export { type ResolvedGit, resolveGit } from './resolve.ts'
export { type GitOptions, type GitSource, gitContentKey, openGitSource } from './source.ts'
export { type GitReference, hostOf, isCommit, parseGitUrl, withoutPassword } from './url.ts'
