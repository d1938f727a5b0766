import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { silentJob } from '../../core/index.ts'
import { openMachine } from './fixture.suite.ts'
import { eraseFromHelper, getFromHelper, storeInHelper } from './helper.ts'

test('get: the server goes in, credentials come out', async () => {
  const machine = openMachine()
  const notes = machine.helper(
    'x',
    '{ echo "$1"; cat; } >$NOTES; echo \'{"ServerURL":"s","Username":"u","Secret":"p:q"}\'',
  )
  const found = await getFromHelper({ name: 'x', env: machine.env }, 'https://s/')
  expect(found).toEqual({ kind: 'password', username: 'u', password: 'p:q' })
  expect(readFileSync(notes, 'utf8')).toBe('get\nhttps://s/')
})

test('store: passwords and tokens as JSON; erase: the server', async () => {
  const machine = openMachine()
  const notes = machine.helper('x', '{ echo "$1"; cat; echo; } >>$NOTES')
  const helper = { name: 'x', env: machine.env }
  await storeInHelper(helper, 's', { kind: 'password', username: 'u', password: 'p"' })
  await storeInHelper(helper, 's', { kind: 'identity-token', token: 't' })
  await eraseFromHelper(helper, 's')
  expect(readFileSync(notes, 'utf8').trim().split('\n')).toEqual([
    'store',
    '{"ServerURL":"s","Username":"u","Secret":"p\\""}',
    'store',
    '{"ServerURL":"s","Username":"<token>","Secret":"t"}',
    'erase',
    's',
  ])
})

describe('get', () => {
  test.each([
    ['a registry it does not know', 'echo credentials not found in native keychain; exit 1'],
    ['nobody', 'echo \'{"Username":"","Secret":""}\''],
  ])('%s is nothing', async (_, script) => {
    const machine = openMachine()
    machine.helper('x', script)
    expect(await getFromHelper({ name: 'x', env: machine.env }, 's')).toBeUndefined()
  })

  test.each([
    ['echo " it is locked "; exit 3', 'error getting credentials - err: exit status 3, out: `it is locked`'],
    ['echo p4ss', 'error getting credentials - err: its answer is not a JSON object, out: ``'],
    ['echo "[]"', 'error getting credentials - err: its answer is not a JSON object, out: ``'],
    ['echo \'{"Username":"p4ss"}\'', 'error getting credentials - err: its answer has no Username and Secret, out: ``'],
    ['exec cat /dev/zero', 'error getting credentials - err: it says too much, out: ``'],
  ])('%s', async (script, message) => {
    const machine = openMachine()
    machine.helper('x', script)
    const asked = getFromHelper({ name: 'x', env: machine.env }, 's')
    await expect(asked).rejects.toMatchObject({ code: 'CREDENTIAL_HELPER_FAILED', message })
  })

  test('a helper that is not installed', async () => {
    const { env } = openMachine()
    await expect(getFromHelper({ name: 'nope', env }, 's')).rejects.toMatchObject({
      code: 'CREDENTIAL_HELPER_FAILED',
      message:
        'error getting credentials - err: exec: "docker-credential-nope": executable file not found in $PATH, out: ``',
      hint: expect.stringContaining('config.json'),
    })
  })

  test.each(['../x', 'a/b', 'a b', '', 'x\0', '$(id)'])('%j is no name of a helper', async (name) => {
    const { env } = openMachine()
    await expect(getFromHelper({ name, env }, 's')).rejects.toMatchObject({ code: 'REGISTRY_CONFIG_INVALID' })
  })

  test('a helper that never answers is stopped', async () => {
    const machine = openMachine()
    machine.helper('x', 'exec sleep 1000')
    await expect(getFromHelper({ name: 'x', env: machine.env, timeout: 50 }, 's')).rejects.toThrow(
      'error getting credentials - err: it took too long',
    )
  })

  test('a program in the current folder is not found', async () => {
    const machine = openMachine()
    machine.helper('x', 'echo {}')
    const env = { PATH: '.:bin::' }
    await expect(getFromHelper({ name: 'x', env }, 's')).rejects.toThrow('executable file not found')
  })

  test('the job stops it', async () => {
    const machine = openMachine()
    machine.helper('x', 'exec sleep 1000')
    const stop = new AbortController()
    const asked = getFromHelper({ name: 'x', env: machine.env }, 's', { ...silentJob, signal: stop.signal })
    stop.abort()
    await expect(asked).rejects.toMatchObject({ code: 'CANCELED' })
  })
})
