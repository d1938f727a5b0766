import { beforeEach, describe, expect, test } from 'vitest'
import { addImage } from '../store/fixture.suite.ts'
import { canRun, openBusyboxEngine, openTestEngine } from './fixture.suite.ts'
import type { Engine } from './index.ts'

const shown = async (engine: Engine, name: string, other?: string): Promise<string[]> => {
  const lines: string[] = []
  for await (const { kind, path } of engine.diff({ name, ...(other ? { other } : {}) })) lines.push(`${kind} ${path}`)
  return lines
}

describe('two images', () => {
  test('are compared by their files', async () => {
    const { engine, store } = openTestEngine()
    await addImage(store, [{ f: '1', g: '1' }], { names: ['docker.io/library/a:latest'] })
    await addImage(store, [{ f: '1', g: '2', h: '' }], { names: ['docker.io/library/b:latest'] })
    expect(await shown(engine, 'a', 'b')).toEqual(['changed g', 'added h'])
    expect(await shown(engine, 'b', 'a')).toEqual(['changed g', 'removed h'])
    expect(await shown(engine, 'a', 'a')).toEqual([])
  })

  test('one alone has nothing to be compared with, and a name must stand for something', async () => {
    const { engine, store } = openTestEngine()
    await addImage(store, [{ f: '1' }], { names: ['docker.io/library/a:latest'] })
    await expect(shown(engine, 'a')).rejects.toMatchObject({ code: 'DIFF_NEEDS_TWO' })
    await expect(shown(engine, 'a', 'nothing')).rejects.toThrow('No such container or image: nothing:latest')
  })
})

describe.skipIf(!canRun)('a container (root, busybox)', () => {
  let engine: Engine
  beforeEach(async () => {
    engine = (await openBusyboxEngine()).engine
  })

  test('shows what it changed, while it runs and afterwards', async () => {
    const script = 'echo a > /etc/motd; mkdir -p /a/b; echo x > /a/b/c; rm -r /var/www; chmod 711 /home; sleep 1000'
    const { id } = engine.containers.create({ image: 'busybox', command: ['sh', '-c', script], name: 'changer' })
    expect(await shown(engine, 'changer')).toEqual([])
    await engine.containers.start(id)
    const expected = ['added a', 'added a/b', 'added a/b/c', 'changed etc', 'added etc/motd', 'changed home']
    await expect.poll(() => shown(engine, 'changer')).toEqual([...expected, 'changed var', 'removed var/www'])
    await engine.containers.kill(id, 'KILL')
    await engine.containers.wait(id)
    expect(await shown(engine, 'changer')).toHaveLength(8)
    expect(await shown(engine, 'busybox', 'changer')).toHaveLength(8)
  })
})
