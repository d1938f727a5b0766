import { fail } from '../../core/index.ts'

/** What `--chmod` makes of the permission bits of a file or folder. */
export interface ModeChange {
  (mode: number, isFolder: boolean): number
  /** For folders that are made on the way, where the change says so: BuildKit makes them with its own umask. */
  readonly forMadeFolders?: number
}

const SHIFTS = { u: 6, g: 3, o: 0 } as const
type Who = keyof typeof SHIFTS

/**
 * Understands `--chmod`: an octal number of at most four digits, or symbolic changes (`u=rwX,go-w`, `+x`, `g=u`) as in
 * chmod(1), without the umask. Fails with `MODE_INVALID`, in BuildKit's words.
 */
export function parseModeChange(text: string): ModeChange {
  if (/^[0-7]+$/.test(text) && Number.parseInt(text, 8) <= 0o7777) {
    const mode = Number.parseInt(text, 8)
    return Object.assign(() => mode, { forMadeFolders: mode & 0o755 })
  }
  const changes = text.split(',').map(parseClause)
  if (changes.some((change) => change === undefined)) {
    throw fail(
      'MODE_INVALID',
      `invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`,
      { hint: 'Symbolic modes such as u=rwX,go=rX are understood as well.' },
    )
  }
  return (mode, isFolder) => changes.reduce((now, change) => change!(now, isFolder), mode)
}

function parseClause(clause: string): ModeChange | undefined {
  const match = /^([ugoa]*)((?:[+\-=](?:[rwxXst]*|[ugo]))+)$/.exec(clause)
  if (!match) return undefined
  const whos = (match[1] === '' || match[1]!.includes('a') ? ['u', 'g', 'o'] : [...new Set(match[1])]) as Who[]
  const actions = match[2]!.match(/[+\-=][^+\-=]*/g)!
  return (mode, isFolder) =>
    actions.reduce((now, action) => apply(now, { whos, sign: action[0]!, what: action.slice(1) }, isFolder), mode)
}

function apply(mode: number, change: { whos: Who[]; sign: string; what: string }, isFolder: boolean): number {
  const { whos, sign, what } = change
  const bits = whos.reduce((sum, who) => sum | bitsFor(who, what, mode, isFolder), 0)
  if (sign === '+') return mode | bits
  if (sign === '-') return mode & ~bits
  // `=` with letters also takes set-id bits away; with the bits of another class (`u=g`), and the sticky bit, it does not
  const isCopy = /^[ugo]$/.test(what)
  const mask = whos.reduce((sum, who) => sum | (0o7 << SHIFTS[who]) | (isCopy ? 0 : SET_ID[who]), 0)
  return (mode & ~mask) | bits
}

const SET_ID = { u: 0o4000, g: 0o2000, o: 0 } as const

function bitsFor(who: Who, what: string, mode: number, isFolder: boolean): number {
  const shift = SHIFTS[who]
  if (what === 'u' || what === 'g' || what === 'o') return ((mode >> SHIFTS[what]) & 0o7) << shift
  let bits = 0
  for (const letter of what) {
    if (letter === 'r') bits |= 0o4 << shift
    else if (letter === 'w') bits |= 0o2 << shift
    else if (letter === 'x') bits |= 0o1 << shift
    else if (letter === 'X' && (isFolder || (mode & 0o111) !== 0)) bits |= 0o1 << shift
    else if (letter === 's') bits |= SET_ID[who]
    else if (letter === 't' && who !== 'o') bits |= 0o1000
  }
  return bits
}
