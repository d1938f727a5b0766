import { beforeEach, describe, expect, test } from 'vitest'
import { addImage } from '../store/fixture.suite.ts'
import { openTestEngine } from './fixture.suite.ts'
import type { Container, CreateRequest, Engine } from './index.ts'

const CONFIG = {
  Entrypoint: ['/start'],
  Cmd: ['serve'],
  Env: ['PATH=/image/bin', 'A=image', 'B=image'],
  WorkingDir: '/app',
  User: 'web',
  Labels: { one: 'image', two: 'image' },
  StopSignal: 'SIGINT',
}

let engine: Engine

beforeEach(async () => {
  const both = openTestEngine()
  engine = both.engine
  await addImage(both.store, [{ 'a.txt': 'a' }], { names: ['docker.io/library/app:latest'], config: CONFIG })
  await addImage(both.store, [{ 'b.txt': 'b' }], { names: ['docker.io/library/bare:latest'] })
})

const create = (changes: Partial<CreateRequest> = {}): Container =>
  engine.containers.create({ image: 'app', ...changes })

describe('a container', () => {
  test('is what its image says', () => {
    const { record, id, name } = create()
    expect(id).toMatch(/^[0-9a-f]{64}$/)
    expect(name).toMatch(/^[a-z]+_[a-z]+$/)
    expect(record).toMatchObject({
      image: 'app',
      entrypoint: ['/start'],
      command: ['serve'],
      cwd: '/app',
      user: 'web',
      hostname: id.slice(0, 12),
      labels: { one: 'image', two: 'image' },
      stopSignal: 'SIGINT',
      network: 'host',
      terminal: false,
      readonlyRootfs: false,
    })
    expect(record.env).toEqual(['PATH=/image/bin', `HOSTNAME=${id.slice(0, 12)}`, 'A=image', 'B=image'])
  })

  test.each([
    ['a command takes the place of CMD', { command: ['x', 'y'] }, ['/start'], ['x', 'y']],
    ['an entrypoint takes the place of both', { entrypoint: ['/other'] }, ['/other'], []],
    ['both', { entrypoint: ['/other'], command: ['x'] }, ['/other'], ['x']],
    ['no entrypoint', { entrypoint: [], command: ['x'] }, [], ['x']],
    ['an empty command is none', { command: [] }, ['/start'], ['serve']],
  ])('%s', (_what, changes, entrypoint, command) => {
    expect(create(changes).record).toMatchObject({ entrypoint, command })
  })

  test('what the user says wins', () => {
    const { record } = create({ cwd: '/w', user: '5', hostname: 'h', labels: { two: 'own' }, stopSignal: '9' })
    expect(record).toMatchObject({ cwd: '/w', user: '5', hostname: 'h', labels: { one: 'image', two: 'own' } })
    expect(record.stopSignal).toBe('9')
  })

  test.each([
    ['adds and replaces', ['B=own', 'C=own'], ['A=image', 'B=own', 'C=own']],
    ['the last one counts', ['C=1', 'C=2'], ['A=image', 'B=image', 'C=2']],
    ['a name alone takes a variable away', ['A'], ['B=image']],
    ['values may have equal signs', ['C=x=y='], ['A=image', 'B=image', 'C=x=y=']],
    ['and may be empty', ['A='], ['A=', 'B=image']],
  ])('its environment: %s', (_what, env, expected) => {
    expect(create({ env }).record.env.slice(2)).toEqual(expected)
  })

  test('with a terminal has TERM, and a default PATH', () => {
    const { record } = create({ image: 'bare', command: ['x'], terminal: true, hostname: 'h' })
    expect(record.env).toEqual([
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'HOSTNAME=h',
      'TERM=xterm',
    ])
  })
})

describe('what is refused', () => {
  test.each([
    ['an unknown image', { image: 'nosuch' }, 'IMAGE_NOT_FOUND', 'No such image: nosuch:latest'],
    ['a name that is none', { image: 'BAD' }, 'REFERENCE_INVALID', 'invalid reference format'],
    ['nothing to run', { image: 'bare' }, 'CONTAINER_INVALID', 'no command specified'],
    [
      'a name',
      { name: '!' },
      'CONTAINER_INVALID',
      'Invalid container name (!), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed',
    ],
    ['a folder', { cwd: 'rel' }, 'CONTAINER_INVALID', "the working directory 'rel' is invalid"],
    ['a signal', { stopSignal: 'FOO' }, 'CONTAINER_INVALID', 'invalid signal: FOO'],
  ])('%s', (_what, changes, code, message) => {
    expect(() => create(changes)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }))
    expect(engine.containers.list()).toEqual([])
  })

  test('a name that is taken', () => {
    const { id } = create({ name: 'box' })
    expect(() => create({ name: 'box' })).toThrow(
      expect.objectContaining({
        code: 'CONTAINER_NAME_TAKEN',
        message: expect.stringContaining(
          `Conflict. The container name "/box" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
        ),
      }),
    )
  })
})
