import { expect, test } from 'vitest'
import { found } from '../fixture.suite.ts'

const find = (text: string, buildArgs = {}): string[] => found('UndefinedArgInFrom', text, { buildArgs })

test('variables of FROM must be declared before it, and the message says what may have been meant', () => {
  const text =
    'ARG VERSION=1\nFROM --platform=${BULIDPLATFORM:-linux/amd64} busybox:$VERSON\nFROM busybox:$LATER\nARG LATER\n'
  expect(find(text)).toEqual([
    "2: FROM argument 'VERSON' is not declared (did you mean VERSION?)",
    "2: FROM argument 'BULIDPLATFORM' is not declared (did you mean BUILDPLATFORM?)",
    "3: FROM argument 'LATER' is not declared",
  ])
})

test('declared without a value is declared', () => {
  expect(find('ARG VERSION\nFROM busybox:$VERSION\nFROM --platform=$TARGETPLATFORM busybox\n')).toEqual([])
})
