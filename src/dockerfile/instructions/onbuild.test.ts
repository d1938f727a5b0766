import { expect, test } from 'vitest'
import { parse } from '../parse.ts'
import { parseOnbuild } from './onbuild.ts'

const onbuild = (text: string) => parseOnbuild(parse({ name: 'Dockerfile', text }).nodes[0]!)

test.each([
  ['ONBUILD RUN  a \\\n  b', 'RUN  a   b'],
  ['onbuild   cmd ["x"]', 'cmd ["x"]'],
  ['ONBUILD COPY <<-E /x\n\ta\n\tE', 'COPY <<-E /x\n\ta\nE'],
  ['ONBUILD whatever it is', 'whatever it is'],
  ['ONBUILD COPY a', 'COPY a'],
])('%j keeps its text', (text, trigger) => {
  expect(onbuild(text).trigger).toBe(trigger)
})

test.each([
  ['ONBUILD', 'ONBUILD requires at least one argument'],
  ['ONBUILD --x RUN a', 'unknown flag: --x'],
  ['ONBUILD onbuild RUN a', "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
  ['ONBUILD from a', "FROM isn't allowed as an ONBUILD trigger"],
  ['ONBUILD MAINTAINER a', "MAINTAINER isn't allowed as an ONBUILD trigger"],
])('%s is refused', (text, message) => {
  expect(() => onbuild(text)).toThrow(expect.objectContaining({ message }))
})
