import { describe, expect, test } from 'vitest'
import { applyChanges } from './changes.ts'

describe('changes to a config', () => {
  test('are instructions, one after another, over what is there', () => {
    const config = { Env: ['A=1', 'PATH=/p'], Cmd: ['old'], Labels: { a: 'b' }, WorkingDir: '/w' }
    const changed = applyChanges(config, [
      'ENV B=$A',
      'CMD ["new"]',
      'LABEL c=d',
      'WORKDIR sub',
      'EXPOSE 80',
      'USER u',
      'VOLUME /v',
      'STOPSIGNAL SIGINT',
      'HEALTHCHECK NONE',
      'ONBUILD RUN x',
    ])
    expect(changed).toEqual({
      Env: ['A=1', 'PATH=/p', 'B=1'],
      Cmd: ['new'],
      ArgsEscaped: true,
      Labels: { a: 'b', c: 'd' },
      WorkingDir: '/w/sub',
      ExposedPorts: { '80/tcp': {} },
      User: 'u',
      Volumes: { '/v': {} },
      StopSignal: 'SIGINT',
      Healthcheck: { Test: ['NONE'] },
      OnBuild: ['RUN x'],
    })
    expect(config.Env).toEqual(['A=1', 'PATH=/p'])
  })

  test('ENTRYPOINT leaves the CMD that is there', () => {
    expect(applyChanges({ Cmd: ['c'] }, ['ENTRYPOINT e'])).toMatchObject({
      Cmd: ['c'],
      Entrypoint: ['/bin/sh', '-c', 'e'],
    })
  })

  test.each([
    ['RUN x', 'RUN is not a valid change command'],
    ['COPY a b', 'COPY is not a valid change command'],
    ['FROM x', 'FROM is not a valid change command'],
    ['SHELL ["x"]', 'SHELL is not a valid change command'],
    ['NOPE x', /unknown instruction: NOPE/],
    ['', 'file with no instructions'],
    ['CMD a\nCMD b', /is not one instruction/],
  ])('%j is refused', (change, message) => {
    expect(() => applyChanges({}, [change])).toThrow(message)
  })
})
