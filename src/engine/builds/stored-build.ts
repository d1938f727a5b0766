import { isJsonObject } from '../../core/index.ts'
import { parseReference } from '../../oci/index.ts'
import type { StoredBuild } from './record.ts'

type Check = (value: unknown) => boolean

const isString: Check = (value) => typeof value === 'string'
const isNumber: Check = (value) => typeof value === 'number'
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const objectOf =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isJsonObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]))
const isReference: Check = (value) => {
  try {
    return typeof value === 'string' && parseReference(value) !== undefined
  } catch {
    return false
  }
}
const isStringMap: Check = (value) => isJsonObject(value) && Object.values(value).every(isString)

const isStep = objectOf({
  ...{ n: isNumber, label: isString, kind: isString, inputs: listOf(isNumber), result: isString },
  ...{ startedAt: optional(isNumber), finishedAt: optional(isNumber), bytes: optional(isNumber) },
  ...{ opKey: optional(isString), diffIds: optional(listOf(isString)), line: optional(isNumber) },
  config: optional(objectOf({ env: listOf(isString), cwd: isString, user: isString })),
  args: optional(listOf(isString)),
  mounts: optional(listOf(objectOf({ type: isString }))),
})

const isBuild = objectOf({
  ...{ name: isString, context: isString, dockerfile: isString, target: optional(isString) },
  status: (value) => ['running', 'completed', 'error', 'canceled'].includes(String(value)),
  invocation: optional(objectOf({ words: listOf(isString), folder: isString })),
  ...{ platforms: listOf(isString), tags: listOf(isReference), buildArgs: isStringMap, labels: isStringMap },
  ...{ image: optional(isString), digest: optional(isString) },
  error: optional(objectOf({ code: isString, message: isString, line: optional(isNumber) })),
  ...{ warnings: isNumber, cachedSteps: isNumber, totalSteps: isNumber },
  steps: listOf(isStep),
  explanation: listOf(
    objectOf({ label: isString, result: isString, differences: listOf(objectOf({ part: isString })) }),
  ),
})

/** What a row of the store says of a build; `undefined` when that is no record, because somebody has edited it. */
export function storedBuild(value: unknown): StoredBuild | undefined {
  return isBuild(value) ? (value as StoredBuild) : undefined
}
