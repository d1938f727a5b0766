import type { Check } from './check.ts'
import { basics } from './checks/basics.ts'
import { blobs } from './checks/blobs.ts'
import { data } from './checks/data.ts'

/** Everything that is asked of a registry, in an order in which each check may follow the one before. */
export const CHECKS: readonly Check[] = [...basics, ...blobs, ...data]
