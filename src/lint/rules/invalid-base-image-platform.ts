import { quoteGo } from '../../core/index.ts'
import { formatPlatform } from '../../oci/index.ts'
import type { BaseRule } from '../rule.ts'

/** A base image for another platform than the build's. Docker has no page about it. */
export const invalidBaseImagePlatform: BaseRule = {
  name: 'InvalidBaseImagePlatform',
  description: 'Base image platform does not match expected target platform',
  about: 'base',
  check({ name, wanted, found, span }) {
    if (wanted.os === found.os && wanted.architecture === found.architecture) return []
    const [expected, pulled] = [quoteGo(formatPlatform(wanted)), quoteGo(formatPlatform(found))]
    const message = `Base image ${name} was pulled with platform ${pulled}, expected ${expected} for current build`
    return [{ message, span }]
  },
}
