import { describe, expect, test } from 'vitest'
import type { Token } from './logical-line.ts'
import { type Mount, parseDevice, parseMount } from './mount.ts'

const token = (text: string): Token => ({
  text,
  span: { source: { name: 'x', text }, line: 1, column: 1, endLine: 1, endColumn: text.length + 1 },
})
const mount = (text: string) => parseMount(token(text), (value) => value.replace('$X', 'ex'))

test.each<[string, Mount]>([
  ['target=/a', { type: 'bind', target: '/a', readOnly: true, required: false }],
  [
    'TYPE=Bind,from=b,src=c,dst=/a,rw',
    { type: 'bind', from: 'b', source: 'c', target: '/a', readOnly: false, required: false },
  ],
  [
    'type=cache,id=$X,target=/a,sharing=Locked,mode=0750,uid=1,gid=2',
    {
      type: 'cache',
      id: 'ex',
      target: '/a',
      sharing: 'locked',
      mode: 0o750,
      uid: 1,
      gid: 2,
      readOnly: false,
      required: false,
    },
  ],
  ['type=cache,destination=/a,ro=true', { type: 'cache', target: '/a', readOnly: true, required: false }],
  [
    'type=tmpfs,target=/a,size=64m',
    { type: 'tmpfs', target: '/a', size: 64 * 1024 ** 2, readOnly: false, required: false },
  ],
  ['type=secret,id=a,env=B,required', { type: 'secret', id: 'a', env: 'B', readOnly: true, required: true }],
  ['type=ssh,required=false', { type: 'ssh', readOnly: true, required: false }],
  ['type=bind,"target=/a,b",readwrite=0', { type: 'bind', target: '/a,b', readOnly: true, required: false }],
])('%s', (text, expected) => {
  expect(mount(text)).toEqual(expected)
})

test.each([
  ['', 'failed to parse csv mounts: EOF'],
  ['type=cach', 'unsupported mount type "cach" (did you mean cache?)'],
  ['type=volume', 'unsupported mount type "volume"'],
  ['sorce=a', "unexpected key 'sorce' in 'sorce=a' (did you mean source?)"],
  ['constructor=a', "unexpected key 'constructor' in 'constructor=a'"],
  ['target', "invalid field 'target' must be a key=value pair"],
  ['relabel', "invalid field 'relabel' must be a key=value pair"],
  ['ro=maybe', 'invalid value for ro: maybe'],
  ['rw=$X', 'invalid value for rw: ex'],
  ['required', "unexpected key 'required' for mount type 'bind'"],
  ['type=secret,id=a,required=x', 'invalid value for required: x'],
  ['size=1m', "unexpected key 'size' for mount type 'bind'"],
  ['type=tmpfs,size=x', 'invalid value for size: x'],
  ['type=cache,sharing=mine', 'unsupported sharing value "mine"'],
  ['sharing=shared', 'invalid cache sharing set for bind mount'],
  ['type=cache,mode=9', 'invalid value 9 for mode'],
  ['type=cache,uid=-1', 'invalid value -1 for uid'],
  ['type=cache,gid=4294967296', 'invalid value 4294967296 for gid'],
  ['mode=0700', 'mode not allowed for "bind" type mounts'],
  ['type=tmpfs,uid=0', 'uid not allowed for "tmpfs" type mounts'],
  ['type=secret', 'invalid secret mount. one of source, target required'],
  ['type=secret,id=a,source=b', "both source and id can't be set"],
  ['type=secret,id=a,from=b', 'secret mount should not have a from'],
  ['type=secret,id=a,sharing=shared', 'secret mount should not define sharing'],
])('%j is refused', (text, message) => {
  const error = { code: 'MOUNT_INVALID', message, span: expect.anything() }
  expect(() => mount(text)).toThrow(expect.objectContaining(error))
})

describe('devices', () => {
  test.each([
    ['a.b/c=d', { name: 'a.b/c=d', required: false }],
    ['a.b/c=d,required', { name: 'a.b/c=d', required: true }],
    ['name=a,Required=true', { name: 'a', required: true }],
    ['required', { name: '', required: true }],
  ])('%s', (text, device) => {
    expect(parseDevice(token(text))).toEqual(device)
  })

  test.each([
    ['', 'failed to parse csv devices: EOF'],
    ['a,name=b', 'device name already set to a'],
    ['a,b', "invalid field 'b' must be a key=value pair"],
    ['a,nam=b', "unexpected key 'nam' in 'nam=b' (did you mean name?)"],
    ['a,required=x', 'invalid value for required: x'],
  ])('%j is refused', (text, message) => {
    expect(() => parseDevice(token(text))).toThrow(message)
  })
})
