import { expect, test } from 'vitest'
import { digestOf } from '../core/index.ts'
import { temporaryStore } from './fixture.suite.ts'

const blob = digestOf('blob')
const at = (path: string) => ({ domain: 'r.example', path })

test('finds the repository that is most like the one that is asked for', () => {
  const { places } = temporaryStore()
  for (const path of ['other/base', 'team/app/base', 'team/base']) places.add([blob], at(path))
  expect(places.find(blob, at('team/app/web'))).toBe('team/app/base')
  expect(places.find(blob, at('other/web'))).toBe('other/base')
  expect(places.find(digestOf('unknown'), at('team/web'))).toBeUndefined()
})

test('never the repository itself, nor one of another registry', () => {
  const { places } = temporaryStore()
  places.add([blob], at('team/app'))
  places.add([blob], { domain: 'else.example', path: 'team/base' })
  expect(places.find(blob, at('team/app'))).toBeUndefined()
})

test('remembers the latest few', () => {
  const { places } = temporaryStore()
  for (let i = 0; i < 30; i++) places.add([blob], at(`r${i}`))
  expect(places.find(blob, at('r0'))).toBeDefined()
})
