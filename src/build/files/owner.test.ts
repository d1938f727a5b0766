import { describe, expect, test } from 'vitest'
import { addLayers, temporaryStore } from '../../store/fixture.suite.ts'
import { findOwner } from './owner.ts'

const PASSWD = 'root:x:0:0::/:/bin/sh\nweb:x:33:34::/:/bin/sh\n'
const GROUP = 'root:x:0:\nwww:x:44:web\n'

async function owner(spec: string, files: Record<string, string> = { 'etc/passwd': PASSWD, 'etc/group': GROUP }) {
  const store = temporaryStore()
  const unknown: string[] = []
  const tree = await store.layers.tree(Object.keys(files).length > 0 ? await addLayers(store, files) : [])
  const { uid, gid } = findOwner(spec, tree, (name) => unknown.push(name))
  return `${uid}:${gid}${unknown.map((name) => ` ${name}?`).join('')}`
}

describe('--chown', () => {
  test.each([
    ['web', '33:34'],
    ['web:www', '33:44'],
    ['web:7', '33:7'],
    ['33', '33:33'],
    ['55', '55:55'],
    ['55:66', '55:66'],
    [':www', '0:44'],
    ['', '0:0'],
    ['root', '0:0'],
    ['0:www', '0:44'],
    ['ghost', '0:0 ghost?'],
    ['web:ghosts', '33:34 ghosts?'],
    ['ghost:www', '0:44 ghost?'],
  ])('%j', async (spec, expected) => {
    expect(await owner(spec)).toBe(expected)
  })

  test('on an image without accounts, root is root and other names are warned about', async () => {
    expect(await owner('root', { f: '' })).toBe('0:0')
    expect(await owner('web', { f: '' })).toBe('0:0 web?')
  })

  test('on scratch numbers and root work, other names do not', async () => {
    expect(await owner('1:2', {})).toBe('1:2')
    expect(await owner('root', {})).toBe('0:0')
    await expect(owner('web', {})).rejects.toMatchObject({ code: 'USER_UNKNOWN' })
  })
})
