import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('ExposeProtoCasing', `FROM scratch\n${text}\n`)

test('a protocol that is not in lower case', () => {
  expect(find('ENV P=81/Udp\nEXPOSE 80/TCP $P 82/tcp 83\n')).toEqual([
    "3: Defined protocol '81/Udp' in EXPOSE instruction should be lowercase",
    "3: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
  ])
  expect(find('EXPOSE 80 81/tcp 82-84/sctp')).toEqual([])
})

test('what is no port is for the build to refuse', () => {
  expect(find('EXPOSE 80/NONE')).toEqual([])
})
