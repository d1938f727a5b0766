import { archive, type Forged, forge } from './tar/forge.suite.ts'

/** Entries of archives, as short as tests want them. */
export const file = (name: string, content = 'evil', more: Partial<Forged> = {}): Buffer =>
  forge({ name, ...more }, content)
export const directory = (name: string, more: Partial<Forged> = {}): Buffer =>
  forge({ name, flag: '5', mode: 0o755, ...more })
export const symlink = (name: string, link: string): Buffer => forge({ name, link, flag: '2' })
export const hardlink = (name: string, link: string): Buffer => forge({ name, link, flag: '1' })

/** A small system to put layers on. */
export const base: Buffer = archive(
  directory('bin'),
  directory('etc', { mode: 0o750, uid: 7 }),
  directory('data'),
  file('etc/passwd', 'root:x:0:0'),
  file('data/keep', 'keep'),
  file('data/lower', 'lower'),
)
