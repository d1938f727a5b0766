import { mkdirSync } from 'node:fs'
import { RegistryDatabase } from '../folder/database.ts'
import { folderLayout } from '../folder/layout.ts'
import { Robots } from './robots.ts'

/** Opens the robots of a registry's folder for the time of `work`, also while a server runs with it. */
export async function withRobots<T>(root: string, work: (robots: Robots) => Promise<T>): Promise<T> {
  mkdirSync(root, { recursive: true, mode: 0o700 })
  using database = new RegistryDatabase(folderLayout(root).database)
  return await work(new Robots(database))
}
