const SECRET =
  /(?:_|^)(?:api_?key|auth|credentials?|key|pass|passphrase|password|passwd|pword|secret|token)s?\d*(?:_|$)/i
const ALLOWED = /(?:_|^)public(?:_|$)/i

/** A secret with fewer characters is not looked for: it would be found in places that have nothing to do with it. */
export const SHORTEST_SECRET = 4

/** Whether the value of a variable with this name is better not shown. */
export function soundsSecret(name: string): boolean {
  return SECRET.test(name) && !ALLOWED.test(name)
}

/** Values of build arguments that sound like secrets. */
export function secretValues(buildArgs: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(buildArgs).flatMap(([name, value]) => (soundsSecret(name) ? [value] : []))
}
