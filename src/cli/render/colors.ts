/** What a colour is for. The first four can be set with BUILDKIT_COLORS. */
export type ColorRole = 'run' | 'cancel' | 'error' | 'warning' | 'faint' | 'bold'

/** For each role the SGR parameters that switch it on; `undefined` leaves text as it is. */
export type Colors = Readonly<Record<ColorRole, string | undefined>>

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white']
const DEFAULTS: Colors = { run: '34', cancel: '33', error: '31', warning: '33', faint: '2', bold: '1' }

/** No colours at all. */
export const PLAIN_COLORS: Colors = {
  run: undefined,
  cancel: undefined,
  error: undefined,
  warning: undefined,
  faint: undefined,
  bold: undefined,
}

/**
 * BuildKit's colours with what `BUILDKIT_COLORS` changes: `run=green:error=255,0,0`. Names are `red`, `light-red`, ...
 * or three numbers; entries that make no sense are skipped.
 */
export function chooseColors(enabled: boolean, env: NodeJS.ProcessEnv = process.env): Colors {
  if (!enabled) return PLAIN_COLORS
  const colors: Record<ColorRole, string | undefined> = { ...DEFAULTS }
  for (const entry of (env['BUILDKIT_COLORS'] ?? '').split(':')) {
    const [role = '', value = ''] = entry.toLowerCase().split('=')
    const color = parseColor(value)
    if (color !== undefined && ['run', 'cancel', 'error', 'warning'].includes(role)) colors[role as ColorRole] = color
  }
  return colors
}

function parseColor(value: string): string | undefined {
  if (value === 'default') return '39'
  const light = value.startsWith('light-')
  const index = NAMES.indexOf(light ? value.slice(6) : value)
  if (index >= 0) return String((light ? 90 : 30) + index)
  const rgb = value.split(',').map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : 256))
  if (rgb.length !== 3 || rgb.some((part) => part > 255)) return undefined
  const [red, green, blue] = rgb.map((part) => Math.trunc(part / 43)) as [number, number, number]
  return `38;5;${16 + 36 * red + 6 * green + blue}`
}

/** The text in a role's colour. */
export function paint(colors: Colors, role: ColorRole, text: string): string {
  const code = colors[role]
  return code === undefined ? text : `\x1b[${code}m${text}\x1b[0m`
}
