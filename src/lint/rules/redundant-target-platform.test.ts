import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string): string[] => found('RedundantTargetPlatform', text)
const message = (written: string): string =>
  `Setting platform to predefined ${written} in FROM is redundant as this is the default behavior`

test('$TARGETPLATFORM alone, however it is written', () => {
  expect(find('FROM --platform=$TARGETPLATFORM scratch\nFROM --platform=${TARGETPLATFORM} scratch\n')).toEqual([
    `1: ${message('$TARGETPLATFORM')}`,
    `2: ${message('${TARGETPLATFORM}')}`,
  ])
})

test.each(['$BUILDPLATFORM', 'linux/$TARGETARCH', '${TARGETPLATFORM}/v2', 'linux/amd64', '${X'])(
  '%s is not',
  (text) => {
    expect(find(`FROM --platform=${text} scratch\n`)).toEqual([])
  },
)
