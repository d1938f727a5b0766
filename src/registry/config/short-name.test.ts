import { expect, test } from 'vitest'
import { openMachine } from './fixture.suite.ts'
import { shortNameRepositories } from './short-name.ts'

test('without registries.conf there is nothing but the default', () => {
  expect(shortNameRepositories('app', openMachine())).toEqual([])
})

test('the search list, in its order; the last file that has one counts', () => {
  const machine = openMachine()
  machine.write('etc/containers/registries.conf', 'unqualified-search-registries = ["a.example.com", "docker.io"]')
  expect(shortNameRepositories('app:1.0', machine)).toEqual(['a.example.com/app', 'docker.io/library/app'])
  expect(shortNameRepositories('team/app', machine)).toEqual(['a.example.com/team/app', 'docker.io/team/app'])
  machine.write('etc/containers/registries.conf.d/x.conf', 'unqualified-search-registries = ["b:5000"]')
  expect(shortNameRepositories('app', machine)).toEqual(['b:5000/app'])
})

test('an alias is the only one, and may be taken back', () => {
  const machine = openMachine()
  machine.write(
    'etc/containers/registries.conf',
    'unqualified-search-registries = ["a.example.com"]\n[aliases]\napp = "b.example.com/x/app"\n"team/app" = "b.example.com/t"',
  )
  expect(shortNameRepositories('app:1.0', machine)).toEqual(['b.example.com/x/app'])
  expect(shortNameRepositories('team/app', machine)).toEqual(['b.example.com/t'])
  expect(shortNameRepositories('other', machine)).toEqual(['a.example.com/other'])
  machine.write('home/.config/containers/registries.conf.d/x.conf', '[aliases]\napp = ""')
  expect(shortNameRepositories('app', machine)).toEqual(['a.example.com/app'])
})

test.each([
  'docker.io/library/app',
  'docker.io/app',
  'index.docker.io/app',
  'localhost:5000/app',
  'h.example.com/app:1',
])('%s has a registry', (name) => {
  const machine = openMachine()
  machine.write('etc/containers/registries.conf', 'unqualified-search-registries = ["a.example.com"]')
  expect(shortNameRepositories(name, machine)).toEqual([])
})
