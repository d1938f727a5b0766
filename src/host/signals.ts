import os from 'node:os'

/** The number of a signal given by name (`SIGTERM`, `TERM`, `term`) or number; `undefined` when there is none such. */
export function parseSignal(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) >= 1 && Number(text) <= 64 ? Number(text) : undefined
  const name = text.toUpperCase().replace(/^(SIG)?/, 'SIG')
  const realtime = /^SIGRT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(name)
  if (realtime) return realtimeSignal(realtime[1]!, Number(`${realtime[2] ?? '+'}${realtime[3] ?? 0}`))
  return (os.constants.signals as Record<string, number>)[name]
}

/** The number of a signal that Node reports, 0 for none. */
export function signalNumber(signal: NodeJS.Signals | null): number {
  return signal ? os.constants.signals[signal] : 0
}

function realtimeSignal(base: string, offset: number): number | undefined {
  const signal = (base === 'MIN' ? 34 : 64) + offset
  return signal >= 34 && signal <= 64 ? signal : undefined
}
