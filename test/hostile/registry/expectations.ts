import type { Outcome } from './pull.ts'

/** What a pull may end with, by the number that a behaviour begins with. `REFUSED` is any error that is not the network's. */
const EXPECTED: Readonly<Record<string, string>> = {
  r00: 'ok',
  r01: 'REFUSED',
  r02: 'REGISTRY_UNAVAILABLE',
  r03: 'ok',
  r04: 'ok',
  r05: 'REGISTRY_UNAVAILABLE',
  r06: 'ok',
  r07: 'ok',
  r08: 'REGISTRY_RATE_LIMITED',
  r09: 'REFUSED',
  r10: 'REFUSED',
  r11: 'REFUSED',
  r12: 'REFUSED REGISTRY_UNAVAILABLE',
  r13: 'ok',
  r14: 'REFUSED',
  r15: 'ok',
  r16: 'REFUSED',
  r17: 'ok',
  r18: 'REGISTRY_UNAUTHORIZED',
  r19: 'ok',
  r20: 'ok',
  r21: 'REFUSED',
  r22: 'REFUSED',
  r23: 'BLOB_NOT_FOUND',
  r24: 'ok',
  r25: 'REFUSED',
  r26: 'REFUSED',
  r27: 'ok',
}
const REFUSALS = [
  'CONTENT_MISMATCH',
  'COMPRESSION_INVALID',
  'REGISTRY_INVALID_ANSWER',
  'MANIFEST_INVALID',
  'JSON_INVALID',
  'IMAGE_INVALID',
]

/** What is wrong with an outcome; nothing when it is as it should be. */
export function judge(repository: string, { result, damage, images }: Outcome): string[] {
  const words = (EXPECTED[repository.slice(0, 3)] ?? '').split(' ')
  const allowed = words.flatMap((word) => (word === 'REFUSED' ? REFUSALS : [word]))
  const hasImage = images > 0
  return [
    ...(allowed.includes(result) ? [] : [`expected ${words.join(' or ')}`]),
    ...(hasImage === (result === 'ok') ? [] : [hasImage ? 'the image is there' : 'there is no image']),
    ...damage,
  ]
}
