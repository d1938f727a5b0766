import type { LayerDifference, Verification } from '../../engine/index.ts'

/** What `--verify-reproducible` found, a line for each layer that came out otherwise. */
export function renderVerification({ differences }: Verification): string {
  if (differences.length === 0) return 'reproducible: a second build without the cache gave the same layers\n'
  const onlyTimes = differences.every(({ file }) => file?.what === 'mtime')
  const hint = onlyTimes ? 'hint: with SOURCE_DATE_EPOCH no file is newer than that; only times differ here\n' : ''
  return `not reproducible: ${differences.map(differenceText).join('')}${hint}`
}

function differenceText({ platform, createdBy, file, layers }: LayerDifference): string {
  const lines = [`${createdBy ?? (layers ? 'a layer' : 'the image config')} (${platform})`]
  if (layers) lines.push(`  first  ${layers.first}`, `  second ${layers.second}`)
  if (file) lines.push(`  /${shown(file.path)}: ${whatText(file)}`)
  else if (layers) lines.push('  the files are the same, the archives are not')
  return `${lines.join('\n')}\n`
}

function whatText({ what, first, second, offset }: NonNullable<LayerDifference['file']>): string {
  if (what === 'content') return `content differs from byte ${offset} on`
  if (first === undefined) return what
  return `${what} ${first} and ${second}`
}

/** Control characters of a name do not reach the terminal. */
function shown(path: string): string {
  const text = Buffer.from(path, 'latin1').toString()
  return JSON.stringify(text.replace(/\/$/, '')).slice(1, -1)
}
